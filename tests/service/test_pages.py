"""The pages' door: who is let in by link and cookie, and what a cookie cannot do."""

from __future__ import annotations

import contextlib
import html
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from openai.types.fine_tuning import FineTuningJob

from rft_service.pages.access import POLICY, link
from rft_service.pages.queries import PageQueries

from .conftest import Running, Start
from .customer import Customer
from .servers import served

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def finished(shared: Running) -> FineTuningJob:
    """A job that has ended, for tests that only look at it."""
    with served(Customer().app()) as url:
        return shared.wait(shared.job(url).id)


@contextmanager
def visitor(service: Running) -> Iterator[httpx.Client]:
    """A browser that has opened the link."""
    with httpx.Client(base_url=service.url, follow_redirects=True) as browser:
        assert browser.get(link(service.url, service.key)).status_code == 200
        yield browser


def test_pages_say_that_the_model_is_simulated(service: Running) -> None:
    with visitor(service) as browser:
        for path in ("/", "/finetune/ftjob-none"):
            assert "own service, simulated model</span>" in browser.get(path).text


def origin(service: Running) -> dict[str, str]:
    return {"Origin": service.url}


def test_the_link_is_exchanged_for_a_cookie_that_is_no_key(service: Running) -> None:
    answer = httpx.get(link(service.url, service.key, "/finetune/x"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/finetune/x")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert service.key not in cookie
    assert service.key not in answer.text


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "/v1/models"])
def test_the_link_leads_to_pages_of_this_service_only(service: Running, to: str) -> None:
    assert httpx.get(link(service.url, service.key, to)).headers["location"] == "/"


def test_without_link_or_cookie_no_page_opens(service: Running) -> None:
    paths = ("/", "/stream", "/finetune/x", "/finetune/x/stream", "/assets/page.css")
    for path in paths:
        assert httpx.get(service.url + path).json()["error"]["code"] == "invalid_api_key"
        shut = httpx.get(service.url + path, headers=HTML)
        assert shut.status_code == 401
        assert "needs its link" in shut.text
    wrong = httpx.get(link(service.url, "sk-wrong"))
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    for cookie in ("", "0" * 64, service.key):
        port = service.url.rpartition(":")[2]
        answer = httpx.get(service.url, cookies={f"buildhour_{port}": cookie})
        assert answer.status_code == 401


def test_the_cookie_opens_no_path_of_the_api(service: Running) -> None:
    with visitor(service) as browser:
        assert browser.get("/").status_code == 200
        for path in ("/v1/models", "/v1/fine_tuning/jobs", "/openapi.json"):
            assert browser.get(path).status_code == 401


def test_a_page_is_served_to_loopback_hosts_only(service: Running) -> None:
    with visitor(service) as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        port = service.url.rpartition(":")[2]
        headers = {"Host": f"evil.example:{port}", "Cookie": cookie}
        assert httpx.get(service.url, headers=headers).json()["error"]["code"] == "invalid_host"


def test_only_the_pages_themselves_may_change_anything(
    service: Running, customer: Customer, customer_url: str
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url)
    with visitor(service) as browser:
        for headers in ({}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}):
            answer = browser.post(f"/finetune/{job.id}/cancel", headers=headers)
            assert answer.status_code == 401
        assert service.client.fine_tuning.jobs.retrieve(job.id).status != "cancelled"
        answer = browser.post(f"/finetune/{job.id}/cancel", headers=origin(service))
        assert answer.json()["status"] == "cancelled"
        again = browser.post(f"/finetune/{job.id}/cancel", headers=origin(service))
        assert again.status_code == 409
        assert browser.post(f"/finetune/{job.id}/delete", headers=origin(service)).is_error


def test_every_page_forbids_what_it_does_not_need(service: Running) -> None:
    with visitor(service) as browser:
        for path in ("/", "/finetune/x", "/assets/job.js", "/assets/nothing"):
            headers = browser.get(path).headers
            assert headers["content-security-policy"] == POLICY
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in POLICY


def test_a_job_that_does_not_exist_is_said_to_be_none(service: Running) -> None:
    with visitor(service) as browser:
        page = browser.get("/finetune/ftjob-%3Cscript%3E")
        assert page.status_code == 404
        assert "&lt;script&gt;" in page.text
        assert browser.get("/finetune/ftjob-none/stream").status_code == 404
        assert browser.get("/finetune/ftjob-none/rollouts").status_code == 404


def streamed(browser: httpx.Client, path: str, **headers: str) -> list[tuple[str, Any, str]]:
    """The events of a stream that ends by itself: name, data and number."""
    found = []
    for block in browser.get(path, headers=headers, timeout=60).text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
    return found


def test_the_stream_carries_what_the_api_says_and_goes_on_where_it_left_off(
    service: Running, finished: FineTuningJob
) -> None:
    job = finished
    metrics = service.steps(job.id)
    with visitor(service) as browser:
        events = streamed(browser, f"/finetune/{job.id}/stream")
        sent = {name: data for name, data, _ in events}
        assert sent["job"]["status"] == "succeeded"
        for drawn, said in zip(sent["steps"], metrics, strict=True):
            assert drawn["train"] == said["train_mean_reward"]
            assert drawn["valid"] == said["full_valid_mean_reward"]
            assert drawn["tools"] == said["tool_calls_by_name"]
            assert drawn["turns"] == said["turns_per_rollout"]
            assert drawn["update"] == said["update"]
            assert drawn["ends"] == said["stop_reasons"]["train"]
            assert drawn["rollout_s"] == said["timing"]["rollouts"]["simulated_latency_mean"]
            assert drawn["step_s"] == said["timing"]["step"]["full_iteration"]
        assert events[-1][0] == "end"
        again = streamed(browser, f"/finetune/{job.id}/stream", **{"Last-Event-ID": events[-1][2]})
        assert [name for name, _, _ in again] == ["job", "end"]


def test_rollouts_are_paged_and_filtered(service: Running, finished: FineTuningJob) -> None:
    job = finished
    api = service.rollouts(job.id, step=1)
    with visitor(service) as browser:
        root = f"/finetune/{job.id}/rollouts"
        first = browser.get(root, params={"step": 1}).json()
        assert (len(first["rollouts"]), first["has_more"]) == (25, True)
        after = first["rollouts"][-1]["seq"]
        rest = browser.get(root, params={"step": 1, "after": after}).json()
        listed = first["rollouts"] + rest["rollouts"]
        paged = [one["trace_id"] for one in listed]
        assert paged == [one["id"] for one in api]
        for shown, one in zip(listed, api, strict=True):
            number = one["row"] + (100 if one["phase"] == "valid" else 0)
            assert shown["question"] == f"What is the value of key{number}"
            assert shown["outcome"] == ("right" if one["reward"] == 1 else "wrong")
        for outcome, kept in (
            ("right", lambda reward: reward == 1),
            ("wrong", lambda reward: reward == 0),
            ("partial", lambda _: False),
            ("discarded", lambda _: False),
        ):
            found = browser.get(root, params={"step": 1, "outcome": outcome}).json()["rollouts"]
            wanted = [one["id"] for one in api if kept(one["reward"])]
            assert [one["trace_id"] for one in found] == wanted[:25]
        drawn = browser.get(f"{root}/{paged[0]}")
        assert "What is the value of key" in drawn.text
        assert "I look it up." in drawn.text
        pair = browser.get(f"{root}/{paged[0]}", params={"beside": paged[1]}).text
        assert pair.count('class="head"') == pair.count('class="copy-json"') == 2
        assert "<h2>Left: Step 1, training, row " in pair
        assert "trace_" not in html.unescape(re.sub("<[^>]*>", "", pair))
        assert browser.get(f"{root}/trace_none").status_code == 404
        for query in ({"outcome": "good"}, {"step": "x"}, {"after": -1}, {"phase": "test"}):
            assert browser.get(root, params=query).status_code == 400


def test_a_rollout_keeps_its_question_when_the_file_is_deleted(
    service: Running, customer_url: str
) -> None:
    job = service.wait(service.job(customer_url).id)
    service.client.files.delete(job.training_file)
    with visitor(service) as browser:
        root = f"/finetune/{job.id}/rollouts"
        first = browser.get(root, params={"phase": "train"}).json()["rollouts"][0]
        assert first["question"].startswith("What is the value of key")
        assert "I look it up." in browser.get(f"{root}/{first['trace_id']}").text


def test_pages_only_read(service: Running) -> None:
    queries = PageQueries(service.home / "service.sqlite")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        queries._rows("DELETE FROM jobs")


def test_the_list_of_jobs_says_when_and_why(start: Start, customer_url: str) -> None:
    """Also to a browser that runs no script: times in UTC, and the reason of a failure."""
    service = start()
    row = {"messages": [{"role": "assistant", "content": "no question"}]}
    failed = service.wait(service.job(customer_url, rows=[row] * 10).id)
    service.wait(service.job(customer_url, rows=10).id)
    assert failed.error
    with visitor(service) as browser:
        page = html.unescape(browser.get("/").text)
    assert failed.error.message in page
    assert page.count("UTC</time>") == 4  # two jobs, created and finished
    at = datetime.fromtimestamp(failed.created_at, UTC)
    assert f"{at:%Y-%m-%d %H:%M} UTC" in page


def test_a_job_that_the_service_paused_says_why(start: Start, customer_url: str) -> None:
    """In the list and on its page; nothing is said where somebody paused it, or once it goes on."""
    service = start()
    job = service.wait(service.job(customer_url, rows=10).id)
    database_file = service.home / "service.sqlite"
    why = "The job has been paused: no tool answers <here>."
    for level, status, is_shown in (
        ("info", "paused", False),
        ("warn", "paused", True),
        ("warn", "running", False),
    ):
        with contextlib.closing(sqlite3.connect(database_file)) as database, database:
            database.execute("UPDATE jobs SET status = ?", (status,))
            database.execute(
                "INSERT INTO events (id, job_id, created_at, level, message, type)"
                " VALUES (?, ?, 0, ?, ?, 'message')",
                (f"event-{level}-{status}", job.id, level, why),
            )
        with visitor(service) as browser:
            for path in ("/", f"/finetune/{job.id}"):
                assert (html.escape(why) in browser.get(path).text) == is_shown
        shown = PageQueries(database_file).job(job.id)["why"]
        assert shown == (why if is_shown else None)

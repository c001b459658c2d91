"""A service for a team: a key for each person, a name on the network, bounds on jobs and files."""

from __future__ import annotations

import http.client
import io
import time
from pathlib import Path

import httpx
import openai
import pytest
from openai import OpenAI

from rft_service.api.security import read_keys
from rft_service.server import allowed_hosts, options, serve

from .conftest import Running, Start
from .customer import Customer, jsonl, row
from .processes import Process

ANA, BEN = "sk-" + "ana" * 8, "sk-" + "ben" * 8
WRONG = "sk-" + "wrong" * 4


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "team.keys"
    file.write_text(f"# the team\nana {ANA}\n\nben {BEN}  # until June\n", encoding="utf-8")
    return file


def client_of(service: Running, key: str) -> OpenAI:
    return OpenAI(base_url=service.client.base_url, api_key=key, max_retries=0)


def test_a_job_says_whose_key_created_it(start: Start, keys: Path, customer_url: str) -> None:
    service = start(holders=read_keys(keys))
    found = {}
    for name, key in (("ana", ANA), ("ben", BEN), ("", service.key)):
        mine = Running(service.url, key, service.home, client_of(service, key))
        job_id = mine.job(customer_url, rows=10).id
        job = service.client.get(f"/fine_tuning/jobs/{job_id}", cast_to=dict)
        found[name] = job.get("created_by")
        by = f" by {name}" if name else ""
        created = service.events(job_id)[0].message
        assert created.startswith(f"Created fine-tuning job: {job_id}{by} (")
    assert found == {"ana": "ana", "ben": "ben", "": None}


def test_a_key_that_is_nobodys_is_refused_as_openai_does(start: Start, keys: Path) -> None:
    service = start(holders=read_keys(keys))
    for wrong in (ANA[:-1], ANA + "f", "ana", "sk-other"):
        with pytest.raises(openai.AuthenticationError) as caught:
            client_of(service, wrong).models.list()
        body = caught.value.body
        assert (body["type"], body["code"]) == ("invalid_request_error", "invalid_api_key")
        assert body["message"].startswith("Incorrect API key provided")
        assert wrong not in body["message"].split()


def test_each_key_opens_the_pages_and_signs_what_it_does_there(
    start: Start, keys: Path, customer: Customer, customer_url: str
) -> None:
    customer.delay_s = 0.05
    service = start(holders=read_keys(keys))
    job = service.job(customer_url, rows=10)
    with httpx.Client(base_url=service.url) as browser:
        assert browser.get("/open", params={"key": ANA[:-1]}).status_code == 401
        assert browser.get("/open", params={"key": ANA}).status_code == 303
        assert job.id in browser.get("/").text
        cancel = f"/finetune/{job.id}/cancel"
        assert browser.post(cancel, headers={"Origin": "https://evil.example"}).status_code == 401
        proxied = {"Origin": service.url.replace("http://", "https://")}  # TLS ends at a proxy
        assert browser.post(cancel, headers=proxied).status_code == 200
        assert ANA not in str(browser.cookies)
    with httpx.Client(base_url=service.url, headers={"X-Forwarded-Proto": "https"}) as browser:
        opened = browser.get("/open", params={"key": BEN})
        assert "secure" in opened.headers["set-cookie"].lower()


def test_no_key_of_the_team_is_written_down(tmp_path: Path, keys: Path) -> None:
    home = tmp_path / "state"
    with Process(home, "--keys", str(keys)) as process:
        mine = client_of(process.service, ANA)
        mine.files.create(file=("r.jsonl", io.BytesIO(jsonl([row(1)]))), purpose="fine-tune")
        with pytest.raises(openai.AuthenticationError):
            client_of(process.service, WRONG).models.list()
        process.child.terminate()
        said = "".join(process.child.communicate())
    assert not [key for key in (ANA, BEN, WRONG) if key in said]
    for path in home.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        assert not [key for key in (ANA, BEN) if key.encode() in held], path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{ANA}", "line 1: write a name"),
        (f"# team\nana {ANA} extra", "line 2: write a name"),
        (f"a/b {ANA}", "line 1: write a name"),
        ("ana short", "line 1: a key has at least 20"),
        (f"ana {ANA}\nben {ANA}", "line 2: the name or the key is used twice"),
        (f"ana {ANA}\nana {BEN}", "line 2: the name or the key is used twice"),
        ("# nobody yet\n", "holds no key"),
    ],
)
def test_a_file_of_keys_is_refused_with_the_line_and_no_key(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "team.keys"
    file.write_text(text, encoding="utf-8")
    assert serve(options(["--home", str(tmp_path / "state"), "--keys", str(file)])) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"service: {file}")
    assert words in said
    assert said.count("\n") == 1
    assert not [key for key in (ANA, BEN, "short") if key in said]


def test_a_file_of_keys_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "no.keys"
    assert serve(options(["--home", str(tmp_path / "state"), "--keys", str(missing)])) == 1
    assert f"--keys {missing}: No such file" in capsys.readouterr().err


def test_only_the_names_that_were_allowed_are_served(tmp_path: Path) -> None:
    chosen = ("--host", "0.0.0.0", "--allowed-host", "rft.example.com")
    with Process(tmp_path, *chosen) as process:
        address = httpx.URL(process.service.url)
        assert address.host == "127.0.0.1"  # how this machine reaches it
        statuses = {}
        for host in ("rft.example.com", "RFT.example.com:8443", "localhost", "10.0.0.1", "evil"):
            connection = http.client.HTTPConnection(address.netloc.decode(), timeout=20)
            headers = {"Host": host, "Authorization": f"Bearer {process.service.key}"}
            connection.request("GET", "/v1/models", headers=headers)
            statuses[host] = connection.getresponse().status
            connection.close()
    refused = {"10.0.0.1", "evil"}
    assert statuses == {host: 403 if host in refused else 200 for host in statuses}


def test_to_listen_everywhere_needs_a_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(options(["--home", str(tmp_path), "--host", "0.0.0.0"])) == 1
    assert "give --allowed-host NAME" in capsys.readouterr().err
    assert "[fe80::1]" in allowed_hosts("fe80::1", [])


def test_jobs_train_side_by_side_up_to_the_bound_and_learn_the_same(
    start: Start, customer: Customer, customer_url: str, tmp_path: Path
) -> None:
    alone = start(home=tmp_path / "alone")
    reference = alone.wait(alone.job(customer_url).id)
    customer.delay_s = 0.05  # so that two are seen at once
    service = start(home=tmp_path / "team", jobs=2)
    ids = [service.job(customer_url).id for _ in range(3)]
    jobs, most = service.client.fine_tuning.jobs, 0
    while True:
        statuses = [job.status for job in jobs.list()]  # of one moment
        running = statuses.count("running")
        most = max(most, running)
        assert running <= 2
        assert "failed" not in statuses
        if statuses == ["succeeded"] * 3:
            break
        time.sleep(0.01)
    assert most == 2
    for job_id in ids:
        job = jobs.retrieve(job_id)
        assert service.weights(job.fine_tuned_model) == alone.weights(reference.fine_tuned_model)


def upload(service: Running, size: int) -> str:
    file = ("notes.txt", io.BytesIO(b"x" * size))
    return service.client.files.create(file=file, purpose="user_data").id


def test_one_upload_is_bounded(start: Start) -> None:
    service = start(upload_bytes=2**20)
    upload(service, 2**20 - 1_000)
    with pytest.raises(openai.APIStatusError) as caught:
        upload(service, 2**20 + 1)
    assert caught.value.status_code == 413
    assert caught.value.body["code"] == "request_too_large"
    assert "larger than 1 MiB" in caught.value.body["message"]


def test_all_files_together_are_bounded(start: Start, customer_url: str) -> None:
    service = start(stored_bytes=2**20)
    first = upload(service, 700_000)
    with pytest.raises(openai.APIStatusError) as caught:
        upload(service, 400_000)
    error = caught.value.body
    assert (caught.value.status_code, error["code"]) == (413, "storage_quota_exceeded")
    assert (error["type"], error["param"]) == ("invalid_request_error", "file")
    assert "this service keeps 1.0 MiB, of which 0.7 MiB are taken" in error["message"]
    assert len(list((service.home / "files").iterdir())) == 1
    upload(service, 300_000)
    service.client.files.delete(first)
    upload(service, 700_000)

"""The exports are tried against the service of the service's own tests."""

from tests.service.conftest import customer, customer_url, service, shared, start

__all__ = ["customer", "customer_url", "service", "shared", "start"]

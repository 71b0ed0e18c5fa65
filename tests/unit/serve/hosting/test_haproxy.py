from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from ray.serve._private.haproxy_templates import HAPROXY_CONFIG_TEMPLATE

from serve.hosting.haproxy import mend, write_launcher
from sievert.errors import ServeError

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = """global
    stats socket /run/admin.sock mode 666 level admin expose-fd listeners
defaults
    errorfile 502 /run/500.http
    errorfile 503 /run/500.http
    errorfile 504 /run/500.http
    balance leastconn
frontend prometheus
    bind :9101
frontend http_frontend
    bind 127.0.0.1:8800
    acl routes path -i /-/routes
    http-request return status 200 content-type application/json string "{}" if routes
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path '%[path]' not found. Ping http://.../-/routes"
listen stats
  bind *:8404
"""


def test_nothing_but_the_service_itself_listens_beyond_this_machine() -> None:
    binds = [line.strip() for line in mend(WRITTEN, bundle="").splitlines() if line.strip().startswith("bind")]
    assert binds == ["bind 127.0.0.1:9101", "bind 127.0.0.1:8800", "bind 127.0.0.1:8404"]


def test_the_table_of_routes_is_told_to_nobody() -> None:
    mended = mend(WRITTEN, bundle="")
    assert "http-request deny deny_status 404 if routes" in mended
    assert "application/json string" not in mended
    assert "Ping" not in mended


def test_a_network_that_is_gone_answers_503_and_says_when_to_come_again() -> None:
    mended = mend(WRITTEN, bundle="")
    assert "errorfile" not in mended
    for status in (502, 503, 504):
        assert f"http-error status {status} content-type application/problem+json hdr Retry-After 1" in mended


def test_the_administrators_socket_is_the_users_alone() -> None:
    assert "mode 600 level admin" in mend(WRITTEN, bundle="")


def test_what_a_client_says_of_its_address_counts_for_nothing() -> None:
    assert "http-request del-header X-Forwarded-For" in mend(WRITTEN, bundle="")


def test_with_a_certificate_the_service_and_nothing_else_speaks_tls() -> None:
    mended = mend(WRITTEN, bundle="/run/bundle.pem")
    assert mended.count(" ssl crt /run/bundle.pem") == 1
    assert "bind 127.0.0.1:8800 ssl crt" in mended


def test_a_mended_configuration_stays_as_it_is() -> None:
    assert mend(mend(WRITTEN, bundle=""), bundle="") == mend(WRITTEN, bundle="")


@pytest.mark.parametrize("lost", ["balance", "bind", "stats socket", "if routes"])
def test_a_configuration_that_is_not_known_starts_nothing(lost: str) -> None:
    changed = "\n".join(line for line in WRITTEN.splitlines() if lost not in line)
    with pytest.raises(ServeError):
        mend(changed, bundle="")


def test_the_installed_ray_writes_what_is_mended() -> None:
    for part in ("errorfile 503", "balance {{", "if routes", "mode 666 level admin", "-/routes for available routes"):
        assert part in HAPROXY_CONFIG_TEMPLATE


def test_the_launcher_is_the_users_alone(tmp_path: Path) -> None:
    file = write_launcher(tmp_path, bundle=None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o700

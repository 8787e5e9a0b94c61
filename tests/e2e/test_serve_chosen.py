"""What a user chooses to see of a scrape: by flags, and in the URL."""

import re
import subprocess
import urllib.error

import pytest

from tests.e2e.serving import COMMAND, LIMIT_SECONDS, serving
from tests.e2e.test_record import VIRTIO

FROM = ("--from", str(VIRTIO))


def functions(text):
    return set(re.findall(r'^irqwatch_work_duration_seconds_count{function="([^"]*)"', text, re.M))


def names(text):
    return set(re.findall(r"^# TYPE (\w+)", text, re.M))


def last_of_recording(*options):
    done = subprocess.run(
        [COMMAND, "serve", "--once", *FROM, *options],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    return functions(done.stdout)


def test_what_is_included_is_shown_apart_and_what_is_excluded_is_not():
    assert last_of_recording() == {"other"}
    found = last_of_recording("--collector.work.include=^blk_mq")
    assert found == {"blk_mq_run_work_fn", "blk_mq_timeout_work", "other"}
    others = last_of_recording("--collector.work.include=.", "--collector.work.exclude=^blk")
    assert len(others) > 2 and not [name for name in others if name.startswith("blk")]


def test_a_url_asks_for_some_collectors():
    with serving(*FROM) as server:
        whole = names(server.get())
        some = names(server.get("/metrics?collect[]=softirq&collect[]=cpu"))
        rest = names(server.get("/metrics?exclude[]=softirq"))
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.get("/metrics?collect[]=bogus")
    assert "irqwatch_softirqs_total" in some and "irqwatch_interrupts_total" not in some
    assert "irqwatch_softirqs_total" not in rest and "irqwatch_interrupts_total" in rest
    assert some < whole and rest < whole
    assert refused.value.code == 400
    assert b"no collector 'bogus'" in refused.value.read()

"""``manage.py providers``: the registry for people, for programs and for the documents."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integrations.catalogue import heard
from integrations.catalogue_page import page
from integrations.registry import PROVIDERS
from tasks.management.commands import providers


def test_the_table_has_a_line_for_each_provider(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("providers")

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["slug", "title"]
    assert [line.split()[0] for line in lines] == [one.slug for one in heard(PROVIDERS.values())]


def test_one_line_of_json_tells_all(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("providers", "--json")

    (line,) = capsys.readouterr().out.splitlines()
    told = {one["slug"]: one for one in json.loads(line)["providers"]}
    assert told["amocrm"]["sender"]["accepts"] == "100–299"
    assert told["bitrix24"]["settings"]["portal"].startswith("адрес портала")


def test_the_page_is_written_where_it_belongs_or_the_path_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "PAGE", tmp_path / "providers.md")
    call_command("providers", "--docs")
    assert (tmp_path / "providers.md").read_text() == page(PROVIDERS.values())

    monkeypatch.setattr(providers, "PAGE", tmp_path / "nowhere" / "providers.md")
    with pytest.raises(CommandError, match=r"nowhere.*No such file"):
        call_command("providers", "--docs")

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load
from bot.settings_sources import variables
from bot.settings_values import host_matches
from handlers.remedy import Risk, load_remedies
from handlers.world import Rules

Write = Callable[[str], str]

APP, TENANT = "0a0a0a0a-0000-4000-8000-000000000abc", "1b1b1b1b-0000-4000-8000-000000000def"
TEAMS = "clusters: [{name: a, channels: {teams: '19:abc@thread.tacv2'}}]\n"

WHOLE = """
clusters:
  - name: prod
    kind: eks
    context: prod
    region: us-west-2
    aws:
      read_role: arn:aws:iam::123456789012:role/pullbot-read
      write_role: arn:aws-us-gov:iam::123456789012:role/pullbot-write
      owners: {"210987654321": {read_role: "arn:aws:iam::210987654321:role/pullbot-read"}}
    namespaces: {exclude: [kube-system]}
    channels: {slack: C0ALERTS, teams: "19:abc@thread.tacv2"}
  - name: tokyo
    kind: aks
    azure: {subscription: 00000000-0000-0000-0000-000000000001, resource_group: rg, cluster: tokyo}
    channels: {slack: {id: C0TOKYO, language: ja}}
slack: {mode: http, api_url: https://slack-gov.com/api}
teams: {service_hosts: ["*.botframework.com"]}
azure: {resource_manager: http://127.0.0.1:5000}
approvals:
  {approvers: [U0ALICE, "@oncall", alice@example.com], second_person: true, expires: 1h30m, quorum: {high: 2}}
remedies: {enabled: [aws/attach_pull_policy, azure/attach_acr]}
store: redis://localhost:6379/0
http: {listen: "[::]:9000"}
watch: {stall_after: 10m}
language: en
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def one(text: str) -> str:
        path = tmp_path / "pullbot.yaml"
        path.write_text(text, "utf-8")
        return str(path)

    return one


def faults(text: str, write: Write, **environ: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as refusal:
        load(write(text), environ)
    return {one.key: one.text for one in refusal.value.faults}


def test_everything_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(None, {"HOME": "/root"})
    assert settings.clusters == ()
    assert settings.store == "./pullbot.db"
    assert settings.listen == ("0.0.0.0", 8080)
    assert settings.approvals.expires == timedelta(minutes=30)
    assert "aws/attach_pull_policy" in settings.remedies.enabled
    assert settings.source == ""


def test_a_whole_file(write: Write) -> None:
    settings = load(write(WHOLE), {})
    assert settings.listen == ("::", 9000)
    assert settings.slack.api_url == "https://slack-gov.com/api/"
    prod = settings.cluster("prod")
    assert prod is not None
    assert prod.aws.owners["210987654321"].read_role == "arn:aws:iam::210987654321:role/pullbot-read"
    assert not prod.namespaces.watched("kube-system")
    assert settings.channel_of("prod", "teams") == "19:abc@thread.tacv2"
    assert settings.channel_of("tokyo", "teams") == ""
    assert settings.channel_of("nowhere", "slack") == ""
    assert settings.language_of("C0TOKYO") == "ja"
    assert settings.language_of("C0ALERTS") == "en"
    assert settings.rules == Rules(
        second_person=True,
        expires=timedelta(minutes=90),
        quorum={Risk.HIGH: 2},
        enabled=frozenset({"aws/attach_pull_policy", "azure/attach_acr"}),
    )


ENTRA = "1C2D3E4F-0000-4000-8000-00000000ABCD"


def test_entra_ids_are_the_same_in_any_case(write: Write) -> None:
    text = (
        f"approvals: {{approvers: [{ENTRA}, 'group:{ENTRA}'], people: [{{slack: U0ALICE, teams: {ENTRA}}}]}}"
    )
    approvals = load(write(text), {}).approvals
    assert approvals.approvers == (ENTRA.lower(), f"group:{ENTRA.lower()}")
    assert [one.accounts for one in approvals.people] == [("slack:U0ALICE", f"teams:{ENTRA.lower()}")]


@pytest.mark.parametrize(
    ("people", "key", "text"),
    [
        (f"[{{slack: alice, teams: {ENTRA}}}]", "people[0].slack", "such as U0ALICE"),
        (f"[{{slack: S0TEAM, teams: {ENTRA}}}]", "people[0].slack", "a person's id in Slack"),
        ("[{slack: U0ALICE, teams: alice@example.com}]", "people[0].teams", "a person's object id in Entra"),
        (f"[{{slack: U0ALICE, teams: 'group:{ENTRA}'}}]", "people[0].teams", "a person's object id"),
        ("[{slack: U0ALICE}]", "people[0].teams", "is missing"),
        (
            f"[{{slack: U0A1, teams: {ENTRA}}}, {{slack: U0B2, teams: {ENTRA.lower()}}}]",
            "people",
            f"{ENTRA.lower()} is in two entries",
        ),
        (
            f"[{{slack: U0A1, teams: {ENTRA}}}, {{slack: U0A1, teams: {ENTRA.replace('1C', '2C')}}}]",
            "people",
            "U0A1 is in two entries; an account is one person's",
        ),
    ],
)
def test_accounts_that_are_one_persons_are_ids_and_nobody_elses(
    people: str, key: str, text: str, write: Write
) -> None:
    told = faults(f"approvals: {{people: {people}}}", write)
    assert text in told[f"approvals.{key}"]


def test_an_entra_group_is_not_named_by_its_name(write: Write) -> None:
    told = faults("approvals: {approvers: ['group:oncall']}", write)
    assert "group: and the object id of an Entra group" in told["approvals.approvers[0]"]


def test_pullbot_yaml_is_found_where_the_command_is_run(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("language: ko")
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).language == "ko"


def test_the_option_wins_over_the_variable(write: Write, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("language: zh", "utf-8")
    path = write("language: ko")
    assert load(None, {"PULLBOT_CONFIG": str(other)}).language == "zh"
    assert load(path, {"PULLBOT_CONFIG": str(other)}).language == "ko"


def test_all_errors_are_told_at_once_each_with_its_key(write: Write) -> None:
    told = faults(
        """
        clusters:
          - name: prod
            kind: esk
            regoin: us-west-2
            aws: {read_role: admin, owners: {12: {}}}
            channels: {slack: "#alerts", teams: General}
          - nmae: staging
            azure: {subscription: ""}
        slack: {mode: soket, api_url: "http://slack.example.com/api/"}
        approvals: {approvers: [alice], expires: 30, quorum: {hgih: 2, low: 0}, second_person: perhaps}
        remedies: {enabled: [aws/atach_pull_policy]}
        store: postgres://db
        http: {listen: 8080}
        langage: en
        """,
        write,
        PULLBOT_STOER="x",
        PULLBOT_WATCH_SETTLE="soon",
    )
    expected = {
        "clusters[0].kind": "not 'esk'",
        "clusters[0].regoin": "did you mean region?",
        "clusters[0].aws.read_role": "should be a role's ARN",
        "clusters[0].aws.owners": "twelve digits",
        "clusters[0].channels.slack": "such as C0ALERTS",
        "clusters[0].channels.teams": "such as 19:abc@thread.tacv2",
        "clusters[1].name": "is missing",
        "clusters[1].nmae": "did you mean name?",
        "clusters[1].azure.subscription": "should not be empty",
        "clusters[1].azure.resource_group": "is missing",
        "clusters[1].azure.cluster": "is missing",
        "slack.mode": "should be 'socket' or 'http', not 'soket'",
        "slack.api_url": "use https",
        "approvals.approvers[0]": "a Slack id (U0ALICE)",
        "approvals.expires": "such as 30s, 5m or 2h",
        "approvals.quorum.hgih": "'low', 'medium' or 'high'",
        "approvals.quorum.low": "greater than or equal to 1",
        "approvals.second_person": "true or false",
        "remedies.enabled": "did you mean aws/attach_pull_policy",
        "store": "postgres:// is not supported",
        "http.listen": "put it in quotes",
        "langage": "did you mean language?",
        "PULLBOT_STOER": "did you mean PULLBOT_STORE",
        "PULLBOT_WATCH_SETTLE": "such as 30s, 5m or 2h",
    }
    assert told.keys() == expected.keys()
    assert {key: said for key, said in expected.items() if said not in told[key]} == {}


def test_the_error_text_lists_them(write: Write) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(write("language: fr\nstore: ''"), {})
    first, *rest = str(refusal.value).splitlines()
    assert first == "the configuration has 2 errors:"
    assert [line.split(":")[0].strip() for line in rest] == ["language", "store"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "is not YAML in line 1"),
        ("- just\n- a list", "keys such as `clusters:`"),
        ("a: \t b: c", "is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration(text: str, said: str, write: Write) -> None:
    [text_told] = faults(text, write).values()
    assert said in text_told


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load(str(tmp_path / "missing.yaml"), {})


def test_an_empty_file_and_empty_blocks_say_nothing(write: Write) -> None:
    assert load(write(""), {}).store == "./pullbot.db"
    assert load(write("slack:\nteams:\n  # local: true\n"), {}).slack.mode == "socket"


def test_two_clusters_of_one_name_are_refused(write: Write) -> None:
    told = faults("clusters: [{name: a}, {name: b}, {name: a}]", write)
    assert "two clusters are called a" in told["clusters"]


# ---- the environment


def test_every_key_has_a_variable() -> None:
    keys = """CLUSTERS STORE HTTP_LISTEN SLACK_MODE TEAMS_SERVICE_HOSTS AZURE_GRAPH APPROVALS_SECOND_PERSON
    APPROVALS_QUORUM REMEDIES_ENABLED WATCH_SETTLE LANGUAGE"""
    assert {f"PULLBOT_{key}" for key in keys.split()} <= variables().keys()


def test_variables_win_over_the_file(write: Write) -> None:
    settings = load(
        write(WHOLE),
        {
            "PULLBOT_STORE": "redis://:hunter2@cache:6379/1",
            "PULLBOT_SLACK_MODE": "socket",
            "PULLBOT_APPROVALS": "{second_person: true, expires: 5m}",
            "PULLBOT_APPROVALS_SECOND_PERSON": "false",
            "PULLBOT_APPROVALS_APPROVERS": "U0BOB, @oncall",
            "PULLBOT_APPROVALS_QUORUM": '{"medium": 3}',
            "PULLBOT_REMEDIES_ENABLED": "[azure/attach_acr]",
            "PULLBOT_CLUSTERS": '[{"name": "only"}]',
            "PULLBOT_LANGUAGE": "",
        },
    )
    assert settings.store == "redis://:hunter2@cache:6379/1"
    assert "hunter2" not in repr(settings)
    assert settings.slack.mode == "socket"
    assert settings.slack.api_url == "https://slack-gov.com/api/", "the rest of the block stays"
    assert settings.approvals.approvers == ("U0BOB", "@oncall")
    assert settings.approvals.expires == timedelta(minutes=5)
    assert not settings.approvals.second_person
    assert settings.rules.quorum == {Risk.MEDIUM: 3}
    assert settings.remedies.enabled == ("azure/attach_acr",)
    assert [one.name for one in settings.clusters] == ["only"]
    assert settings.language == "en"


def test_a_fault_names_the_variable_that_caused_it(write: Write) -> None:
    told = faults(
        "", write, PULLBOT_CLUSTERS='[{"name": "a/b"}]', PULLBOT_APPROVALS="{a", PULLBOT_LANGUAGE="fr"
    )
    assert told.keys() == {"PULLBOT_CLUSTERS ([0].name)", "PULLBOT_APPROVALS", "PULLBOT_LANGUAGE"}


def test_what_kubernetes_puts_into_every_pod_is_no_typing_error(write: Write) -> None:
    of_a_service = {
        "PULLBOT_SERVICE_HOST": "10.0.0.1", "PULLBOT_SERVICE_PORT": "80", "PULLBOT_SERVICE_PORT_HTTP": "80",
        "PULLBOT_PORT": "tcp://10.0.0.1:80", "PULLBOT_PORT_80_TCP": "tcp://10.0.0.1:80",
        "PULLBOT_PORT_80_TCP_ADDR": "10.0.0.1", "PULLBOT_REDIS_SERVICE_HOST": "10.0.0.2",
    }  # fmt: skip
    assert isinstance(load(write(""), of_a_service), Settings)


# ---- secrets


def test_secrets_come_from_variables_and_files(write: Write, tmp_path: Path) -> None:
    (tmp_path / "signing").write_text("s3cret\n", "utf-8")
    settings = load(
        write(""),
        {
            "SLACK_BOT_TOKEN": "bot-token",
            "SLACK_SIGNING_SECRET_FILE": str(tmp_path / "signing"),
            "PULLBOT_ALERTS_TOKEN": "alert-token",
            "MICROSOFT_APP_ID": APP.upper(),
            "MICROSOFT_APP_TENANT_ID": TENANT,
        },
    )
    secrets = settings.secrets
    assert secrets.slack_bot_token is not None
    assert secrets.slack_bot_token.reveal() == "bot-token"
    assert secrets.slack_signing_secret is not None
    assert secrets.slack_signing_secret.reveal() == "s3cret"
    assert secrets.slack_app_token is None
    assert (settings.teams.app_id, settings.teams.tenant_id) == (APP, TENANT)
    assert not {"bot-token", "s3cret", "alert-token"} & set(repr(settings).split("'"))
    assert "bot-token" not in repr(settings)


def test_a_secret_file_that_cannot_be_read_is_named(write: Write, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", "utf-8")
    told = faults(
        "", write,
        SLACK_BOT_TOKEN="a", SLACK_BOT_TOKEN_FILE="b",
        SLACK_APP_TOKEN_FILE=str(tmp_path / "missing"), SLACK_SIGNING_SECRET_FILE=str(tmp_path / "empty"),
    )  # fmt: skip
    assert "unset one of them" in told["SLACK_BOT_TOKEN"]
    assert "No such file" in told["SLACK_APP_TOKEN_FILE"]
    assert "is empty" in told["SLACK_SIGNING_SECRET_FILE"]


def test_a_secret_in_the_file_is_an_error_that_does_not_repeat_it(write: Write) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(
            write(
                "slack: {bot_token: xoxb-1-2-abc, mode: xapp-1-abc}\n"
                "teams: {app_password: hunter2}\n"
                "clusters: [{name: a, context: eyJhbGciOi.eyJzdWIiOi.x}]\n"
                "store: redis://:hunter2@cache:6379/0\n"
            ),
            {},
        )
    told = {one.key: one.text for one in refusal.value.faults}
    assert told.keys() == {
        "slack.bot_token", "slack.mode", "teams.app_password", "clusters[0].context", "store",
    }  # fmt: skip
    assert "set SLACK_BOT_TOKEN, or the same name with _FILE" in told["slack.bot_token"]
    assert "set MICROSOFT_APP_PASSWORD" in told["teams.app_password"]
    assert "set PULLBOT_STORE instead" in told["store"]
    for secret in ("xoxb-1-2-abc", "xapp-1-abc", "hunter2", "eyJhbGciOi"):
        assert secret not in str(refusal.value)


def test_what_only_we_may_fill_in_cannot_be_written(write: Write) -> None:
    assert faults("warnings: [all is well]\nsecrets: {}\nsource: me", write).keys() == {
        "warnings",
        "secrets",
        "source",
    }


# ---- what is needed to run


@pytest.mark.parametrize(
    ("mode", "environ", "missing"),
    [
        ("socket", {}, {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}),
        ("http", {"SLACK_BOT_TOKEN": "a"}, {"SLACK_SIGNING_SECRET"}),
        ("http", {"SLACK_BOT_TOKEN": "a", "SLACK_SIGNING_SECRET": "b"}, set()),
    ],
)
def test_a_slack_channel_needs_tokens_to_run(
    mode: str, environ: dict[str, str], missing: set[str], write: Write
) -> None:
    settings = load(
        write(f"slack: {{mode: {mode}}}\nclusters: [{{name: a, channels: {{slack: C0ALERTS}}}}]"), environ
    )
    assert {one.key for one in settings.missing_to_run()} == missing


def test_a_teams_channel_needs_an_app_unless_it_is_local(write: Write) -> None:
    missing = {one.key for one in load(write(TEAMS), {}).missing_to_run()}
    assert missing == {"MICROSOFT_APP_ID", "MICROSOFT_APP_TENANT_ID", "MICROSOFT_APP_PASSWORD"}
    local = load(write(TEAMS + "teams: {local: true}"), {})
    assert local.missing_to_run() == ()
    assert local.listen == ("127.0.0.1", 8080), "without authentication, nobody else may reach it"


@pytest.mark.parametrize(
    ("registration", "password", "said"),
    [
        ("single_tenant", "", "is not set, and a cluster has a Teams channel (teams.registration is single_"),
        ("single_tenant", "hunter2", ""),
        ("managed_identity", "", ""),
        ("managed_identity", "hunter2", "drop the password, or set teams.registration to single_tenant"),
    ],
)
def test_an_app_has_a_password_and_an_identity_has_none(
    registration: str, password: str, said: str, write: Write
) -> None:
    settings = load(
        write(f"{TEAMS}teams: {{registration: {registration}}}"),
        {"MICROSOFT_APP_ID": APP, "MICROSOFT_APP_TENANT_ID": TENANT, "MICROSOFT_APP_PASSWORD": password},
    )
    told = {one.key: one.text for one in settings.missing_to_run()}
    assert told.keys() == ({"MICROSOFT_APP_PASSWORD"} if said else set())
    assert said in told.get("MICROSOFT_APP_PASSWORD", "")
    assert "hunter2" not in str(told)


def test_the_ids_of_an_app_are_told_from_its_name_and_its_password(write: Write) -> None:
    environ = {"MICROSOFT_APP_ID": "A~secret", "MICROSOFT_APP_TENANT_ID": "contoso.com"}
    told = load(write(""), environ).warnings
    assert [one.partition(":")[0] for one in told] == ["MICROSOFT_APP_ID", "MICROSOFT_APP_TENANT_ID"]
    assert all("such as 1c2d3e4f-" in text for text in told)
    assert "A~secret" not in str(told)


def test_nobody_is_authenticated_locally_and_the_settings_say_so(write: Write) -> None:
    told = load(write("teams: {local: true}"), {"MICROSOFT_APP_ID": APP}).warnings
    listening, unused = told
    assert listening.startswith("http.listen: only 127.0.0.1 is listened on, not 0.0.0.0:8080")
    assert unused.startswith("MICROSOFT_APP_ID: is not used, for teams.local is true")
    quiet = "teams: {local: true}\nhttp: {listen: '127.0.0.1:3978'}"
    assert load(write(quiet), {}).warnings == ()
    [named] = load(write("teams: {local: true}"), {"PULLBOT_HTTP_LISTEN": "[::]:80"}).warnings
    assert named.startswith("PULLBOT_HTTP_LISTEN: only 127.0.0.1 is listened on, not [::]:80")
    assert load(write(""), {"MICROSOFT_APP_ID": APP}).warnings == ()


# ---- where Teams is


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("19:abc@thread.tacv2", "19:abc@thread.tacv2"),
        ("19%3aa_b-C1%40thread.tacv2", "19:a_b-C1@thread.tacv2"),
        ("19%3Aabc%40thread.skype", "19:abc@thread.skype"),
        ("19:meeting_Mjdh=@thread.v2", "19:meeting_Mjdh=@thread.v2"),
    ],
)
def test_a_channel_is_named_as_teams_or_its_link_does(written: str, meant: str, write: Write) -> None:
    path = write(f"clusters: [{{name: a, channels: {{teams: {{id: '{written}', language: ko}}}}}}]")
    settings = load(path, {})
    assert settings.channel_of("a", "teams") == meant
    assert settings.language_of(meant) == "ko"


@pytest.mark.parametrize(
    "written",
    [
        "General",
        "19:abc@thread.tacv2;messageid=17",
        "a:1abc",
        "19:@thread.tacv2",
        "19:abc@thread.tacv",
        "19:8ea0e38b-efb3_97f62344-57dc@unq.gbl.spaces",
        "https://teams.microsoft.com/l/channel/19%3Aabc%40thread.tacv2/pulls?groupId=1",
        "19%3Aa%2Fb%40thread.tacv2",
    ],
)
def test_what_is_no_channel_of_teams_is_refused(written: str, write: Write) -> None:
    told = faults(f"clusters: [{{name: a, channels: {{teams: '{written}'}}}}]", write)
    assert (
        "in the channel's link that Teams shows it is between /channel/" in told["clusters[0].channels.teams"]
    )


def test_answers_go_to_the_hosts_of_teams_alone(write: Write) -> None:
    assert load(write(""), {}).teams.service_url == "https://smba.trafficmanager.net/teams/"
    gcc = "service_hosts: [smba.infra.gcc.teams.microsoft.com]"
    assert load(write(f"teams: {{{gcc}}}"), {}).teams.service_url == "", "the public cloud is not theirs"
    url = "https://smba.infra.gcc.teams.microsoft.com/teams"
    assert load(write(f"teams: {{{gcc}, service_url: '{url}'}}"), {}).teams.service_url == url
    told = faults(f"teams: {{service_url: '{url}'}}", write)
    assert told["teams.service_url"].startswith("should lead to one of teams.service_hosts")
    assert (
        "use https"
        in faults("teams: {service_url: 'http://smba.trafficmanager.net'}", write)["teams.service_url"]
    )


def test_the_authority_is_named_without_the_tenant(write: Write) -> None:
    told = faults(f"teams: {{authority: 'https://login.microsoftonline.com/{TENANT}'}}", write)
    assert "the tenant is added to it" in told["teams.authority"]
    us = "https://login.microsoftonline.us/"
    assert load(write(f"teams: {{authority: '{us}'}}"), {}).teams.authority == us


def test_a_channel_that_cannot_be_reached_before_it_was_heard_from_is_told(write: Write) -> None:
    [told] = load(write(TEAMS + "teams: {service_hosts: [smba.infra.gcc.teams.microsoft.com]}"), {}).warnings
    assert told.startswith("teams.service_url: is not known, so no alert can be posted in Teams before")
    here = "teams: {local: true}\nhttp: {listen: '127.0.0.1:3978'}"
    assert load(write(TEAMS + here), {}).warnings[0].endswith("set it, to the playground's on this machine")
    assert load(write("teams: {service_hosts: [smba.infra.gcc.teams.microsoft.com]}"), {}).warnings == ()
    assert load(write(TEAMS), {}).warnings == ()


def test_what_is_set_for_teams_without_a_channel_there_is_told(write: Write) -> None:
    [told] = load(write("clusters: [{name: a, channels: {slack: C0A}}]"), {"MICROSOFT_APP_ID": APP}).warnings
    assert "name one in clusters[].channels.teams" in told
    assert load(write(TEAMS), {"MICROSOFT_APP_ID": APP}).warnings == ()


@pytest.mark.parametrize(
    ("approvals", "nobody"),
    [
        ("approvers: [U0ALICE, '@oncall']", ["Teams"]),
        (f"approvers: [{ENTRA}]", ["Slack"]),
        (f"approvers: ['group:{ENTRA}']", ["Slack"]),
        (f"approvers: [U0ALICE], people: [{{slack: U0ALICE, teams: {ENTRA}}}]", []),
        (f"approvers: ['@oncall'], people: [{{slack: U0ALICE, teams: {ENTRA}}}]", []),
        (f"approvers: [U0ALICE], people: [{{slack: U0BEN, teams: {ENTRA}}}]", ["Teams"]),
        (f"approvers: [U0ALICE, {ENTRA}]", []),
        ("approvers: [ben@example.com]", []),
        ("approvers: []", []),
    ],
)
def test_a_chat_in_which_nobody_may_approve_is_told(approvals: str, nobody: list[str], write: Write) -> None:
    both = "clusters: [{name: a, channels: {slack: C0A, teams: '19:abc@thread.tacv2'}}]"
    told = load(write(f"{both}\napprovals: {{{approvals}}}"), {}).warnings
    assert [one.partition("nobody of ")[2].partition(",")[0] for one in told] == nobody


def test_locally_nothing_is_sent_beyond_this_machine(write: Write) -> None:
    assert load(write("teams: {local: true}"), {}).teams.service_url == ""
    url = "http://localhost:56150/_connector"
    assert load(write(f"teams: {{local: true, service_url: '{url}'}}"), {}).teams.service_url == url
    told = faults("teams: {local: true, service_url: 'https://smba.trafficmanager.net/teams/'}", write)
    assert told["teams.service_url"].startswith("should lead to this machine")


@pytest.mark.parametrize(
    ("host", "pattern", "fits"),
    [
        ("smba.trafficmanager.net", "*.trafficmanager.net", True),
        ("a.b.TrafficManager.net", "*.trafficmanager.NET", True),
        ("trafficmanager.net", "*.trafficmanager.net", False),
        (".trafficmanager.net", "*.trafficmanager.net", False),
        ("eviltrafficmanager.net", "*.trafficmanager.net", False),
        ("smba.trafficmanager.net.evil.example", "*.trafficmanager.net", False),
        ("smba.trafficmanager.net.", "*.trafficmanager.net", False),
        ("Smba.TrafficManager.net", "smba.trafficmanager.net", True),
        ("x.smba.trafficmanager.net", "smba.trafficmanager.net", False),
        ("smba.botframewor\N{KELVIN SIGN}.com", "*.botframework.com", False),
        ("evil.example\\.trafficmanager.net", "*.trafficmanager.net", False),
        ("evil.example%2f.trafficmanager.net", "*.trafficmanager.net", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.10", "127.0.0.1", False),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "*.0.0.1", False),
        ("", "*.trafficmanager.net", False),
        ("anything", "*", False),
    ],
)
def test_a_host_fits_a_pattern_by_whole_names(host: str, pattern: str, fits: bool) -> None:
    assert host_matches(host, [pattern]) is fits
    assert host_matches(host, ["other.example", pattern]) is fits
    assert not host_matches(host, [])


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.net", "*.", "smba.*.net", "*smba.net", "*.0.0.1", "https://smba.net", "a:443", "a_b.net", ""],
)
def test_a_pattern_too_wide_or_odd_is_refused(pattern: str, write: Write) -> None:
    told = faults(f"teams: {{service_hosts: [smba.trafficmanager.net, '{pattern}']}}", write)
    assert "should be a host" in told["teams.service_hosts[1]"]


@pytest.mark.parametrize(
    "host", ["smba.trafficmanager.net", "*.teams.microsoft.us", "127.0.0.1", "::1", "localhost"]
)
def test_hosts_and_addresses_are_taken(host: str, write: Write) -> None:
    assert load(write(f"teams: {{service_hosts: ['{host}']}}"), {}).teams.service_hosts == (host,)


def test_running_needs_a_cluster(write: Write) -> None:
    [missing] = load(write(""), {}).missing_to_run()
    assert missing.key == "clusters"


def test_a_remedy_that_this_version_lacks_is_a_warning(write: Write) -> None:
    settings = load(write("remedies: {enabled: [azure/peer_back]}"), {})
    missing = "azure/peer_back" not in {one.id for one in load_remedies()}
    assert any("no remedy azure/peer_back yet" in one for one in settings.warnings) is missing
    assert settings.rules.enabled == {"azure/peer_back"}


def test_what_is_only_explained_cannot_be_enabled(write: Write) -> None:
    told = faults("remedies: {enabled: [aws/lead_subnet_out]}", write)
    assert told["remedies.enabled"] == "aws/lead_subnet_out is only explained, never carried out; remove it"


def test_ecs_is_asked_by_region_and_alone_may_have_a_queue(write: Write) -> None:
    queue = "https://sqs.us-west-2.amazonaws.com/123456789012/pullbot"
    path = write(f"clusters: [{{name: shop, kind: ecs, region: us-west-2, queue: '{queue}'}}]")
    found = load(path, {})
    assert found.clusters[0].queue == queue
    told = faults(
        f"""
        clusters:
          - {{name: shop, kind: ecs}}
          - {{name: prod, kind: eks, queue: "{queue}"}}
        """,
        write,
    )
    assert "should name its region" in told["clusters[0]"]
    assert "should have no queue" in told["clusters[1]"]


def test_only_ecs_has_a_role_for_runbooks(write: Write) -> None:
    role = "arn:aws:iam::123456789012:role/runbook"
    block = f"region: us-west-2, aws: {{automation_role: '{role}'}}"
    found = load(write(f"clusters: [{{name: shop, kind: ecs, {block}}}]"), {})
    assert found.automation_roles == (role,)
    told = faults(f"clusters: [{{name: prod, kind: eks, {block}}}]", write)
    assert "should have no automation_role" in told["clusters[0]"]
    assert "aws/troubleshoot_task" not in found.rules.enabled

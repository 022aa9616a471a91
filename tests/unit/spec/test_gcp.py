"""The keys of a cloud of kind gcp and of the environments on it: what they become, and what is wrong with them."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from phoenix.model import CloudMachine
from phoenix.spec.clouds import GcpBuilder, GcpCloud, GcpImageOptions, GcpReach
from phoenix.spec.schema import json_schema
from phoenix.spec.services import GcpBackendService, GcpUrlMap, Rolling
from tests.unit.spec.conftest import GOOD, Load, Mistakes

WEB = "services.web-tier.environments.local"
KEY = "projects/acme-keys/locations/eu/keyRings/web/cryptoKeys/images"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
FILE = (
    GOOD.replace("local: {kind: local}", "gcp: {kind: gcp, project: acme-prod, region: us-central1}")
    .replace("{local: bookworm}", "{gcp: debian-cloud/debian-12}")
    .replace("http://127.0.0.1:9999", "https://apt.acme.internal")
    .replace("cloud: local", "cloud: gcp")
    .replace("{cpus: 1, memory: 512M}", "{type: e2-small}")
    .replace("{listen: 127.0.0.1:8000}", "{url_map: web}")
)
ALL = f"""{{
    kind: gcp, project: acme-prod, region: us-central1, subnetwork: web, host_project: acme-net,
    impersonate: phoenix@acme-prod.iam.gserviceaccount.com, tags: {{team: web, cost_center: "4711"}},
    secure_boot: true,
    builder: {{type: n2-standard-4, disk: 20G, disk_type: pd-ssd, zone: us-central1-f, public_ip: false, iap: true,
      identity: baker@acme-prod.iam.gserviceaccount.com, scopes: ["{SCOPE}"], firewall: [ssh], spot: true,
      max_run_duration: 1h, kms: "{KEY}"}},
    images: {{kms: "{KEY}", locations: [eu], family: acme, features: [GVNIC]}}}}"""
CLOUD = "{kind: gcp, project: acme-prod, region: us-central1}"


def test_a_small_cloud(load_text: Load) -> None:
    cloud = load_text(FILE).clouds["gcp"]
    assert cloud == GcpCloud(name="gcp", project="acme-prod", region="us-central1")
    assert isinstance(cloud, GcpCloud)
    assert (cloud.network_path, cloud.subnetwork_path) == ("projects/acme-prod/global/networks/default", "")
    assert (cloud.builder_zone, cloud.builder.reach) == ("us-central1-b", GcpReach.PUBLIC)


def test_every_key_of_a_cloud(load_text: Load) -> None:
    cloud = load_text(FILE, (CLOUD, ALL)).clouds["gcp"]
    assert cloud == GcpCloud(
        name="gcp",
        project="acme-prod",
        region="us-central1",
        network="",
        subnetwork="web",
        host_project="acme-net",
        impersonate="phoenix@acme-prod.iam.gserviceaccount.com",
        labels={"team": "web", "cost_center": "4711"},
        secure_boot=True,
        builder=GcpBuilder(
            type="n2-standard-4",
            disk=20 * 1024**3,
            disk_type="pd-ssd",
            zone="us-central1-f",
            reach=GcpReach.IAP,
            secure_boot=True,
            identity="baker@acme-prod.iam.gserviceaccount.com",
            scopes=(SCOPE,),
            firewall=("ssh",),
            spot=True,
            max_run_duration=3600.0,
            kms=KEY,
        ),
        images=GcpImageOptions(family="acme", kms=KEY, location="eu", features=("GVNIC",)),
    )
    assert isinstance(cloud, GcpCloud)
    assert (cloud.network_path, cloud.subnetwork_path) == ("", "projects/acme-net/regions/us-central1/subnetworks/web")
    assert (cloud.builder_zone, cloud.builder.reach) == ("us-central1-f", GcpReach.IAP)


@pytest.mark.parametrize(
    ("keys", "reach"),
    [
        ("public_ip: true", GcpReach.PUBLIC),
        ("public_ip: false", GcpReach.PRIVATE),
        ("iap: true", GcpReach.IAP),
        ("public_ip: false, iap: true", GcpReach.IAP),
    ],
)
def test_how_a_builder_is_reached(load_text: Load, keys: str, reach: GcpReach) -> None:
    cloud = load_text(FILE, ("{kind: gcp,", f"{{kind: gcp, builder: {{{keys}}},")).clouds["gcp"]
    assert isinstance(cloud, GcpCloud)
    assert cloud.builder == GcpBuilder(reach=reach)


def test_a_machine_knows_its_network(load_text: Load) -> None:
    machine = (
        f'{{type: e2-small, identity: web@acme-prod.iam.gserviceaccount.com, scopes: ["{SCOPE}"], firewall: [web]}}'
    )
    shared = (CLOUD, CLOUD.replace("region", "network: net, subnetwork: web, host_project: acme-net, region"))
    found = load_text(FILE, shared, ("{type: e2-small}", machine)).services["web-tier"].environments["local"].machine
    assert found == CloudMachine(
        type="e2-small",
        identity="web@acme-prod.iam.gserviceaccount.com",
        scopes=(SCOPE,),
        firewall=("web",),
        network="projects/acme-net/global/networks/net",
        subnets=("projects/acme-net/regions/us-central1/subnetworks/web",),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{url_map: web}", GcpUrlMap(url_map="web", route="default")),
        (
            "{url_map: web, route: api, region: us-central1}",
            GcpUrlMap(url_map="web", route="api", region="us-central1"),
        ),
        ("{backend_service: web}", GcpBackendService(backend_service="web")),
        (
            '{backend_service: web, region: us-central1, address: "https://acme.example"}',
            GcpBackendService(backend_service="web", region="us-central1", address="https://acme.example"),
        ),
    ],
)
def test_a_load_balancer(load_text: Load, written: str, read: GcpUrlMap | GcpBackendService) -> None:
    project = load_text(FILE, ("{url_map: web}", written), ("kind: blue-green, keep: 30m", "kind: rolling"))
    where = project.services["web-tier"].environments["local"]
    assert (where.load_balancer, where.strategy) == (read, Rolling(step=25, percent=True))


CANARY = ("{kind: blue-green, keep: 30m}", "{kind: canary, steps: [5, 100]}")


def test_a_canary_has_exact_shares(load_text: Load, mistakes: Mistakes) -> None:
    assert load_text(FILE, CANARY).services
    found = mistakes(CANARY, ("{url_map: web}", "{backend_service: web}"), text=FILE)
    assert found == [
        f"32: {WEB}.strategy.kind: canary needs exact shares, which load_balancer.backend_service has not; "
        "accepted: blue-green, rolling, or canary with load_balancer: {url_map: NAME, route: default}"
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("acme-prod", "acme", "clouds.gcp.project: 'acme' is no project; accepted: its id: 6 to 30 lower-case letters"),
        ("us-central1", "us", "clouds.gcp.region: 'us' is no region; accepted: such as us-central1"),
        ("region: us", "region: us-central1, network: my_net, host: us", "clouds.gcp.network: 'my_net' is no network"),
        ("{kind: gcp,", "{kind: gcp, host_project: acme-net,", "clouds.gcp.host_project: a shared network needs its"),
        ("{kind: gcp,", "{kind: gcp, impersonate: me,", "clouds.gcp.impersonate: 'me' is no service account; accepted"),
        ("{kind: gcp,", "{kind: gcp, tags: {phoenix-x: a},", "clouds.gcp.tags.phoenix-x: 'phoenix-x' is no tag"),
        ("{kind: gcp,", "{kind: gcp, tags: {goog-x: a},", "clouds.gcp.tags.goog-x: 'goog-x' is no tag"),
        ("{kind: gcp,", "{kind: gcp, tags: {Team: a},", "clouds.gcp.tags.Team: 'Team' is no tag; accepted: 1 to 63"),
        ("{kind: gcp,", "{kind: gcp, tags: {team: Web},", "clouds.gcp.tags.team: 'Web' is no value of a tag; accepted"),
        (
            "{kind: gcp,",
            f"{{kind: gcp, tags: {{{', '.join(f'k{number}: v' for number in range(33))}}},",
            "clouds.gcp.tags: 33 are too many; accepted: up to 32",
        ),
        (
            "{kind: gcp,",
            "{kind: gcp, builder: {zone: europe-west1-b},",
            "clouds.gcp.builder.zone: 'europe-west1-b' is no zone of us-central1; accepted: such as us-central1-b",
        ),
        (
            "{kind: gcp,",
            f'{{kind: gcp, builder: {{scopes: ["{SCOPE}"]}},',
            "clouds.gcp.builder.scopes: a machine without a service account has no scopes; accepted: beside `identity`",
        ),
        ("{kind: gcp,", "{kind: gcp, builder: {type: a/b},", "clouds.gcp.builder.type: 'a/b' is no machine type; acc"),
        (
            "{kind: gcp,",
            "{kind: gcp, images: {kms: key},",
            "clouds.gcp.images.kms: 'key' is no key; accepted: projects/",
        ),
        (
            "size: 2",
            "zones: [us-central1-b, us-east1-b]\n        size: 2",
            f"{WEB}.zones[1]: 'us-east1-b' is no zone of us-central1; accepted: such as us-central1-b",
        ),
        (
            "size: 2",
            "zones: [us-central1-b, us-central1-c, us-central1-b]\n        size: 2",
            f"{WEB}.zones[2]: 'us-central1-b' stands twice; accepted: each zone once",
        ),
        (
            "size: 2",
            "size: {min: 1, max: 2, cpu: 0%}",
            f"{WEB}.size.cpu: 0% is no load to aim at; accepted: 1% to 100%",
        ),
        (
            "{url_map: web}",
            "{url_map: web, region: us-east1}",
            f"{WEB}.load_balancer.region: 'us-east1' is not the region of the cloud; accepted: us-central1, or nothing",
        ),
        (
            "{url_map: web}",
            "{backend_service: web, route: default}",
            f"{WEB}.load_balancer.route: is of a URL map alone; accepted: {{url_map: NAME, route: default}}",
        ),
        (
            "{url_map: web}",
            "{url_map: web, backend_service: web}",
            f"{WEB}.load_balancer: needs one key, not both; accepted: {{url_map: NAME, route: default}} or",
        ),
        (
            "{url_map: web}",
            "{region: us-central1}",
            f"{WEB}.load_balancer: says not where, on a gcp cloud; accepted: {{url_map: NAME, route: default}} or",
        ),
        ("{url_map: web}", "{url_map: Web}", f"{WEB}.load_balancer.url_map: 'Web' is no name of Compute Engine; acc"),
        (
            "type: e2-small",
            "type: zones/us-central1-b/machineTypes/e2-small",
            f"{WEB}.machine.type: 'zones/us-central1-b/machineTypes/e2-small' is no name of Compute Engine; accepted",
        ),
        (
            "type: e2-small",
            "type: e2-small, identity: web",
            f"{WEB}.machine.identity: 'web' is no service account; accepted: its e-mail",
        ),
        (
            "type: e2-small",
            "type: e2-small, firewall: [Web]",
            f"{WEB}.machine.firewall[0]: 'Web' is no name of Compute Engine; accepted: lower-case letters, digits",
        ),
        (
            "type: e2-small",
            "type: e2-small, scopes: [storage-ro]",
            f"{WEB}.machine.scopes: a machine without a service account has no scopes; accepted: beside `identity`",
        ),
        (
            "type: e2-small",
            "type: e2-small, identity: a@b.c, scopes: [storage-ro]",
            f"{WEB}.machine.scopes[0]: 'storage-ro' is no scope; accepted: urls, such as https://www.googleapis.com",
        ),
    ],
)
def test_a_mistake_and_its_message(mistakes: Mistakes, old: str, new: str, message: str) -> None:
    found = mistakes((old, new), text=FILE)
    assert any(message in line for line in found), found


def test_other_clouds_have_no_scopes(mistakes: Mistakes) -> None:
    found = mistakes(("{cpus: 1, memory: 512M}", "{cpus: 1, scopes: [x]}"))
    assert found == [f"30: {WEB}.machine.scopes: a machine of a local cloud has no scopes; accepted: cpus, memory"]


def test_editors_are_told_the_same() -> None:
    """The schema takes every key of the file, and none that is not there."""
    schema = jsonschema.Draft202012Validator(json_schema())
    text = FILE.replace(CLOUD, ALL)
    assert list(schema.iter_errors(yaml.safe_load(text))) == []
    wrong = yaml.safe_load(text.replace("public_ip: false", "public: false").replace("us-central1-f", "f"))
    assert len(list(schema.iter_errors(wrong))) >= 1

"""May a registry's login be shown to the token service that it names?

Only to one of its own: the same host, or one of the same owner's domain. There is no list of public suffixes
here, so what is shared by strangers is told by its form and by name; in doubt they are strangers.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

# Token services under another domain, as their registries name them.
_PAIRS = {
    "registry-1.docker.io": "auth.docker.io",
    "nvcr.io": "authn.nvidia.com",
    "registry.connect.redhat.com": "sso.redhat.com",
}
# Domains whose first labels are given to whoever asks.
_SHARED = frozenset({
    "azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de", "azurewebsites.net", "cloudapp.net",
    "windows.net", "azure.com", "azurefd.net", "azureedge.net", "trafficmanager.net",
    "azurecontainerapps.io", "amazonaws.com", "on.aws", "awsapprunner.com", "cloudfront.net",
    "elasticbeanstalk.com", "pkg.dev", "gcr.io", "run.app", "appspot.com", "web.app",
    "cloudfunctions.net", "googleusercontent.com", "jfrog.io", "ocir.io", "oraclecloud.com",
    "scw.cloud", "ovh.net", "digitaloceanspaces.com", "ondigitalocean.app", "appdomain.cloud",
    "aliyuncs.com", "myqcloud.com", "tencentcr.com", "myhuaweicloud.com", "github.io",
    "githubpreview.dev", "github.dev", "gitlab.io", "pages.dev", "workers.dev", "fly.dev",
    "onrender.com", "vercel.app", "netlify.app", "herokuapp.com", "herokussl.com", "railway.app",
    "deno.dev", "ngrok.io", "ngrok.app", "ngrok.dev", "ngrok-free.app", "ngrok-free.dev",
    "trycloudflare.com", "loca.lt", "ts.net", "nip.io", "sslip.io", "xip.io", "traefik.me",
    "duckdns.org", "dyndns.org", "no-ip.org", "ddns.net", "dynu.net", "cloudns.net", "synology.me",
    "myqnapcloud.com", "container-registry.com", "cr.sh", "readthedocs.io",
})  # fmt: skip
# Under many countries' domains a second label says what kind of owner follows.
_KIND_OF_OWNER = re.compile(r"(ac|co|com|edu|go|gob|gouv|gov|govt|ltd|me|mil|ne|net|or|org|plc|sch)")


def may_see_login(realm: str, host: str) -> bool:
    """``realm`` is the token service's URL, ``host`` the registry's."""
    try:
        parts = urlsplit(realm)
        theirs, mine = (parts.hostname or "").rstrip("."), host.rstrip(".").lower()
    except ValueError:
        return False
    if not theirs or parts.username is not None or not is_unheard(parts.scheme, theirs):
        return False
    if theirs == mine or _PAIRS.get(mine) == theirs:
        return True
    owner = _owners_domain(mine)
    return bool(owner) and owner == _owners_domain(theirs)


def is_unheard(scheme: str, host: str) -> bool:
    """Whether nobody on the way can listen: by HTTPS, or because it stays on this machine."""
    return scheme == "https" or (scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _owners_domain(host: str) -> str:
    """The domain that one owner registered, "" where that is not certain."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return ""
    labels = host.split(".")
    of_country = len(labels[-1]) == 2 and len(labels) > 1 and _KIND_OF_OWNER.fullmatch(labels[-2])
    wanted = 3 if of_country else 2
    owner = ".".join(labels[-wanted:])
    if len(labels) < wanted or owner in _SHARED or ".".join(labels[-2:]) in _SHARED:
        return ""
    # A cluster's own names and those of a local network belong to whoever answers.
    return "" if labels[-1] in {"local", "localhost", "internal", "lan", "home", "test"} else owner

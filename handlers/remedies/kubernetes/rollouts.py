"""What must be known of a workload before its template is changed: that it may be, and what comes of it."""

from __future__ import annotations

from checks.kubernetes.templates import Template
from checks.model import FailedPull
from handlers.remedies.kubernetes.template_steps import TemplateAddress
from handlers.remedy import Refused

_REPLACED = "every pod of the workload is replaced"


def changeable(pull: FailedPull, template: Template | None) -> tuple[Template, tuple[str, ...]]:
    """The template, and the names of its containers that want the image.

    :raises Refused: it has none that may be changed, or asks for another image
    """
    if template is None:
        raise Refused(f"{pull.workload} could not be read")
    if template.workload.kind == "Pod":
        raise Refused("a bare pod has no controller that would replace it: whoever made it changes it")
    if template.workload.kind == "Job":
        raise Refused("the template of a Job cannot be changed: it has to be made anew")
    if not template.path:
        raise Refused(f"what a {template.workload.kind} makes its pods from is not known here")
    names = tuple(name for name, image in template.images if image == pull.image)
    if not names:
        raise Refused(
            f"{pull.workload} does not ask for {pull.image} any more, or an admission webhook rewrites its "
            "images on the way"
        )
    return template, names


def address_of(template: Template) -> TemplateAddress:
    workload = template.workload
    return TemplateAddress(template.path, workload.namespace, workload.kind.lower(), workload.name)


def cautions(template: Template, *more: str) -> str:
    kept = template.keeper
    words = [
        *more,
        "" if template.workload.kind == "CronJob" else _REPLACED,
        f"{kept} manages it and may put the old value back: change it there too" if kept else "",
        template.waits,
    ]
    return "; ".join(one for one in words if one)

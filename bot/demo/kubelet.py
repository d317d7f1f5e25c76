"""A kubelet: pulls the images of its pods, and says how that went in the words of the real one.

``Pulling``, then either ``Pulled`` and a running container, or ``Failed`` and ErrImagePull, soon after that
ImagePullBackOff, and another try after a back-off that doubles. The containers of a pod start side by side.
There are no init containers, no probes, and a container that runs goes on running.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.demo import shapes
from bot.demo.objects import Objects
from bot.demo.shapes import Tree

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pulled:
    """``image_id`` is what a container status says: ``host/name@sha256:…``."""

    image_id: str
    size: int


@dataclass(frozen=True, slots=True)
class NotPulled:
    """``cause`` in the words of the container runtime."""

    cause: str


Pull = Callable[[str], Awaitable[Pulled | NotPulled]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: until a failure is called a back-off, the first back-off, and the longest.

    A real kubelet waits for 10 s, doubling to 5 min; nobody watches a demo for that long.
    """

    soon: float = 0.5
    first: float = 1.0
    longest: float = 4.0


class Kubelet:
    """:param pull: asks the registry on behalf of this node"""

    def __init__(self, objects: Objects, node: str, pull: Pull, pace: Pace, pause: Pause) -> None:
        self._objects, self._node = objects, node
        self._pull, self._pace, self._pause = pull, pace, pause
        self._present: dict[str, Pulled] = {}
        self._asked: dict[str, asyncio.Future[Pulled | NotPulled]] = {}
        self._pods = 0

    def forget_images(self) -> None:
        """As if the node's disk were empty: the next container has its image pulled again."""
        self._present.clear()

    async def keep(self, namespace: str, name: str) -> None:
        """Work on a pod until all its containers run. Cancelled when the pod is gone."""
        self._pods += 1
        pod = _Pod(self._objects, self._node, namespace, name, self._pods)
        pod.begin()
        await asyncio.gather(*(self._start(pod, one) for one in pod.containers))

    async def _start(self, pod: _Pod, container: Tree) -> None:
        back_off = self._pace.first
        while isinstance(answer := await self._image(pod, container), NotPulled):
            image = container["image"]
            pod.event(container, "Warning", "Failed", f'Failed to pull image "{image}": {answer.cause}')
            pod.event(container, "Warning", "Failed", "Error: ErrImagePull")
            pod.show(container, shapes.waiting(container, "ErrImagePull", answer.cause))
            await self._pause(self._pace.soon)
            message = f'Back-off pulling image "{image}"'
            pod.event(container, "Normal", "BackOff", message)
            pod.event(container, "Warning", "Failed", "Error: ImagePullBackOff")
            why = f"{message}: ErrImagePull: {answer.cause}"
            pod.show(container, shapes.waiting(container, "ImagePullBackOff", why))
            await self._pause(back_off)
            back_off = min(back_off * 2, self._pace.longest)
        pod.event(container, "Normal", "Created", f"Created container: {container['name']}")
        pod.event(container, "Normal", "Started", f"Started container {container['name']}")
        pod.show(container, shapes.running(container, answer.image_id, self._objects.timestamp()))

    async def _image(self, pod: _Pod, container: Tree) -> Pulled | NotPulled:
        image = container["image"]
        if container.get("imagePullPolicy") != "Always" and (found := self._present.get(image)):
            pod.event(container, "Normal", "Pulled", f'Container image "{image}" already present on machine')
            return found
        pod.event(container, "Normal", "Pulling", f'Pulling image "{image}"')
        began = time.monotonic()
        answer = await self._ask(image)
        if isinstance(answer, Pulled):
            self._present[image] = answer
            took = f"{round((time.monotonic() - began) * 1000)}ms"
            message = f'Successfully pulled image "{image}" in {took} ({took} including waiting).'
            pod.event(container, "Normal", "Pulled", f"{message} Image size: {answer.size} bytes.")
        return answer

    async def _ask(self, image: str) -> Pulled | NotPulled:
        """The registry is asked once for all pods that want the same image at the same time."""
        asked = self._asked.get(image)
        if asked is None:
            asked = self._asked[image] = asyncio.ensure_future(self._pull(image))
            asked.add_done_callback(lambda _: self._asked.pop(image, None))
        return await asyncio.shield(asked)  # one pod that goes away does not end it for the others

    async def stop(self) -> None:
        """Give up what is being pulled."""
        asked = list(self._asked.values())
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


class _Pod:
    """One pod as its kubelet writes it. A pod that is gone is written no more."""

    def __init__(self, objects: Objects, node: str, namespace: str, name: str, number: int) -> None:
        self._objects, self._node = objects, node
        self._namespace, self._name = namespace, name
        self._ip = f"10.0.{2 + number // 250 % 250}.{1 + number % 250}"
        self._events: dict[tuple[str, ...], str] = {}
        pod = objects.find("pods", name, namespace)
        self.containers: list[Tree] = list(pod["spec"]["containers"]) if pod else []
        self._statuses = {one["name"]: shapes.waiting(one, "ContainerCreating") for one in self.containers}

    def begin(self) -> None:
        self._write()

    def show(self, container: Tree, status: Tree) -> None:
        self._statuses[container["name"]] = status
        self._write()

    def _write(self) -> None:
        pod = self._objects.find("pods", self._name, self._namespace)
        if pod is not None:
            statuses = list(self._statuses.values())
            status = shapes.pod_status(pod, statuses, self._ip, self._objects.timestamp())
            self._objects.put(pod | {"status": status})

    def event(self, container: Tree, kind: str, reason: str, message: str) -> None:
        """Say it; what was said before is counted."""
        pod = self._objects.find("pods", self._name, self._namespace)
        if pod is None:
            return
        now = self._objects.timestamp()
        field = f"spec.containers{{{container['name']}}}"
        key = (field, kind, reason, message)
        said = self._objects.find("events", self._events.get(key, ""), self._namespace)
        if said is not None:
            self._objects.put(said | {"count": said["count"] + 1, "lastTimestamp": now})
            return
        made = shapes.event(
            pod,
            field=field,
            kind=kind,
            reason=reason,
            message=message,
            by="kubelet",
            host=self._node,
            now=now,
        )
        self._events[key] = made["metadata"]["name"]
        self._objects.put(made)

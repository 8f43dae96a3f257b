"""Failpoints: a call of the product before or after which something happens."""

import functools
import inspect
import itertools
import os
import signal
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import Point


def arm(point: Point) -> Callable[[ModuleType], None]:
    """Return what puts a failpoint into its module."""

    def change(module: ModuleType) -> None:
        *owners, name = point.at.partition(":")[2].split(".")
        owner: Any = module
        for part in owners:
            owner = getattr(owner, part)
        setattr(owner, name, _wrapped(getattr(owner, name), point))

    return change


def _wrapped(function: Callable[..., Any], point: Point) -> Callable[..., Any]:
    calls = itertools.count(1)

    def strike(when: str, call: int) -> None:
        if when == point.when and point.nth in (0, call) and _is_first(point.once):
            _do(point)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waited(*args: Any, **kwargs: Any) -> Any:
            call = next(calls)
            strike("before", call)
            result = await function(*args, **kwargs)
            strike("after", call)
            return result

        return waited

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        call = next(calls)
        strike("before", call)
        result = function(*args, **kwargs)
        strike("after", call)
        return result

    return called


def _is_first(path: str) -> bool:
    if not path:
        return True
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _do(point: Point) -> None:
    if point.do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif point.do == "sleep":
        time.sleep(point.seconds)
    else:
        raise OSError(f"failpoint {point.at}")

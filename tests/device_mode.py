"""A pretended GPU: tensors that live in ordinary memory and are refused wherever a GPU's tensors would be.

Inside `pretended_device()` every tensor that is created on, or moved to, the device "cuda" becomes a `DeviceTensor`.
Its numbers are an ordinary CPU tensor's, so everything computes as usual, gradients too. But it says that it lives on
"cuda:0", and an operation that a real GPU refuses raises the same kind of error:

- `numpy()`, `np.asarray` and whatever calls them: TypeError;
- one operation on tensors of both devices, or on such a tensor and a numpy array: RuntimeError;
- an index on the device into a CPU tensor, a CPU generator that draws on the device, `pin_memory`: RuntimeError.

Allowed, as on a GPU: `cpu()`, `to(...)`, `item()`, `tolist()`, Python numbers, a CPU tensor without dimensions as one
operand of element-wise arithmetic, CPU indices into a device tensor, and copies between devices by `copy_` or by
assignment to a slice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

DEVICE = torch.device("cuda", 0)
T = torch.Tensor

NUMPY = {T.numpy, T.__array__}
MOVES = {T.to, T.cpu, T.cuda}
COPIES = {T.copy_, T.__deepcopy__}  # may read one device and write another
# look at nothing but the other's shape or type
SHAPES = {T.expand_as, T.view_as, T.reshape_as, torch._has_compatible_shallow_copy_type}
NEW = {T.new_tensor, torch.tensor, torch.as_tensor, torch.asarray}  # copy their data to where the result lives
# these want every tensor on one device, also one without dimensions
STRICT = {torch.cat, torch.concat, torch.concatenate, torch.stack, torch.hstack, torch.vstack, T.index_put_}
ATTRIBUTES = {
    T.device.__get__: DEVICE,
    T.is_cuda.__get__: True,
    T.is_cpu.__get__: False,
    T.get_device: DEVICE.index,
}


class DeviceTensor(torch.Tensor):
    """A tensor on the pretended device."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return call(func, args, kwargs or {})


class PretendedDevice(TorchFunctionMode):
    """Handles what no tensor subclass sees: functions that create on the device, and moves of CPU tensors to it."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return call(func, args, kwargs or {})


@contextmanager
def pretended_device() -> Iterator[torch.device]:
    """While open, "cuda" is the pretended device, in every thread that is started, too, and `Module.to("cuda")` moves
    a module's parameters to it."""
    run = threading.Thread.run

    def run_there(thread: threading.Thread) -> None:
        with PretendedDevice():  # torch knows such a mode in one thread only
            run(thread)

    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # a parameter cannot change its type in place
    try:
        # a GRU would ask the GPU's own library to lay out its memory
        with (
            PretendedDevice(),
            mock.patch.object(torch.backends.cudnn, "is_acceptable", lambda tensor: False),
            mock.patch.object(threading.Thread, "run", run_there),
        ):
            yield DEVICE
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


def call(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """One torch function, by the rules of the module's docstring."""
    there = [x for x in flat((args, kwargs)) if isinstance(x, DeviceTensor)]
    if func is T.pin_memory:
        if there:
            raise RuntimeError(f"cannot pin memory of {DEVICE}, only of the CPU")
        return args[0].clone()
    target = requested(func, args, kwargs)
    if not there and (target is None or target.type != DEVICE.type):
        return func(*args, **kwargs)
    if func in ATTRIBUTES:
        return ATTRIBUTES[func]
    if func in NUMPY:
        raise TypeError(f"can't convert {DEVICE} device type tensor to numpy; use Tensor.cpu() first")
    if func in MOVES:
        return move(func, args, kwargs, target)
    check(func, args, kwargs)
    return run(func, args, kwargs, target)


def requested(func: Any, args: tuple, kwargs: dict[str, Any]) -> torch.device | None:
    """The device that a call names for its result, or None."""
    if func is T.cpu:
        return torch.device("cpu")
    if func is T.cuda:
        return DEVICE
    named = kwargs.get("device")
    if func is T.to:
        other = kwargs.get("other", args[1] if len(args) > 1 else None)
        if isinstance(other, torch.Tensor):
            return DEVICE if isinstance(other, DeviceTensor) else torch.device("cpu")
        named = named if named is not None else other
    if isinstance(named, (str, torch.device)):
        return torch.device(named)
    return DEVICE if isinstance(named, int) and not isinstance(named, bool) else None


def move(func: Any, args: tuple, kwargs: dict[str, Any], target: torch.device | None) -> Any:
    """`to`, `cpu` and `cuda`: a copy on the other device; the tensor itself where nothing changes."""
    source = args[0]
    here = isinstance(source, DeviceTensor)
    if func is T.to:
        kwargs = {name: value for name, value in kwargs.items() if name not in ("device", "other", "non_blocking")}
        rest = [x for x in args[1:] if not isinstance(x, (str, torch.device, torch.Tensor)) and x is not None]
        others = [x for x in (*args[1:], *kwargs.values()) if isinstance(x, torch.Tensor)]
        dtype = (
            others[0].dtype
            if others
            else next((x for x in rest if isinstance(x, torch.dtype)), kwargs.pop("dtype", None))
        )
        kwargs.pop("dtype", None)
        with torch._C.DisableTorchFunctionSubclass():
            result = source.to(dtype or source.dtype, **kwargs)
    else:
        result = source
    to_device = here if target is None else target.type == DEVICE.type
    if to_device == here:
        return source if result is source else tag(result) if here else result
    with torch._C.DisableTorchFunctionSubclass():
        copy = result.clone()
    return tag(copy) if to_device else plain(copy)


def check(func: Any, args: tuple, kwargs: dict[str, Any]) -> None:
    """RuntimeError where a GPU would refuse the operation."""
    name = getattr(func, "__name__", str(func))
    if func is T.__getitem__:
        check_index(args[0], args[1], name)
        return
    if func is T.__setitem__:
        check_index(args[0], args[1], name)
        value = args[2]
        copied = not isinstance(value, torch.Tensor) or value.dim() == 0 or not has_tensor_index(args[1])
        if not copied and isinstance(value, DeviceTensor) != isinstance(args[0], DeviceTensor):
            refuse(name)
        return
    generator = kwargs.get("generator")
    if generator is not None and generator.device.type == "cpu":
        raise RuntimeError(f"{name}: expected a '{DEVICE.type}' device type for generator but found 'cpu'")
    if func in COPIES | SHAPES | NEW:
        return
    values = list(flat((args, kwargs)))
    if not any(isinstance(x, DeviceTensor) for x in values):
        return
    for x in values:
        if isinstance(x, np.ndarray) and x.ndim:
            refuse(name, "a numpy array")
        if isinstance(x, torch.Tensor) and not isinstance(x, DeviceTensor) and (x.dim() or func in STRICT):
            refuse(name)


def check_index(indexed: torch.Tensor, index: Any, name: str) -> None:
    """Refuse an index on the device into a CPU tensor. The other way round the index is copied to the device."""
    if not isinstance(indexed, DeviceTensor) and any(isinstance(x, DeviceTensor) and x.dim() for x in flat(index)):
        raise RuntimeError(f"{name}: indices should be on the same device as the indexed tensor (cpu), not on {DEVICE}")


def has_tensor_index(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(x, (torch.Tensor, np.ndarray, list)) for x in parts)


def refuse(name: str, what: str = "a CPU tensor") -> None:
    raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found {DEVICE} and {what}")


def run(func: Any, args: tuple, kwargs: dict[str, Any], target: torch.device | None) -> Any:
    """Compute on the CPU; the result is tagged unless the call names the CPU, or only looks at Python numbers."""
    wanted = target is not None
    on_device = target.type == DEVICE.type if wanted else result_on_device(func, args, kwargs)
    kwargs = dict(kwargs, device="cpu") if "device" in kwargs else kwargs
    gradient = kwargs.get("requires_grad", False) if wanted else False
    if gradient:
        kwargs = dict(kwargs, requires_grad=False)  # a tagged copy of a leaf would not be one
    with torch._C.DisableTorchFunctionSubclass():
        result = copy_of(args[0]) if func is T.__deepcopy__ else func(*args, **kwargs)
    result = tag(result) if on_device else result
    return result.requires_grad_() if gradient else result


def copy_of(source: torch.Tensor) -> torch.Tensor:
    copy = tag(source.detach().clone()).requires_grad_(source.requires_grad)
    if hasattr(source, "_is_param"):
        copy._is_param = True
    return copy


def result_on_device(func: Any, args: tuple, kwargs: dict[str, Any]) -> bool:
    """Where a call without a named device puts its result."""
    if func in (torch.tensor, torch.as_tensor, torch.asarray):
        return isinstance(args[0], DeviceTensor)  # a list of numbers, even of the device's, becomes a CPU tensor
    if func in SHAPES | {T.__getitem__, T.new_tensor}:
        return isinstance(args[0], DeviceTensor)
    return True


def flat(value: Any) -> Iterator[Any]:
    """The leaves of nested lists, tuples and dicts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from flat(part)
    else:
        yield value


def tag(value: Any) -> Any:
    """The same with every tensor in it on the pretended device."""
    if isinstance(value, DeviceTensor):
        return value
    if isinstance(value, torch.Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            return value.as_subclass(DeviceTensor)
    if isinstance(value, (list, tuple)):
        parts = [tag(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def plain(value: torch.Tensor) -> torch.Tensor:
    """An ordinary CPU tensor that shares a device tensor's memory."""
    with torch._C.DisableTorchFunctionSubclass():
        return value.as_subclass(torch.Tensor)

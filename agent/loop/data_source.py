"""Where a run's conversations come from: a generator, a file, or a loader of the user's own."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from agent.settings import Settings
from evals.loaders import Loaded, read_dataset
from evals.loaders.checked import draft_of
from evals.loaders.detect import detect
from evals.loaders.findings import Findings
from evals.loaders.finish import Finisher
from evals.loaders.problems import shown
from traces.domain import Conversation, Dataset
from traces.errors import DataError, SettingsError
from traces.plugins import is_plugin, load_object

SYNTHETIC = "synthetic"
_EXPECTED = "return a traces.domain.Dataset, or the Conversations one after the other"
_MEND = "mend the loader, then try it with 'memtune validate'"

# Most conversations of a loader of the user's own: one that never ends has to be told apart.
MOST_CONVERSATIONS = 100_000
_TOLD_EVERY = 10_000


def dataset_name(settings: Settings) -> str:
    """Return the data set asked for, or the one that the file is seen to be in.

    Raises DataError for a file that could be several or none.
    """
    if settings.dataset is not None:
        return settings.dataset
    return SYNTHETIC if settings.data is None else detect(settings.data, settings.fields)


def read_data(name: str, settings: Settings) -> Loaded:
    """Return what a file, or a loader of the user's own, holds, with all findings.

    Raises DataError where nothing can be read; SettingsError for a mapping of fields or a
    loader that there is not.
    """
    if is_plugin(name):
        if settings.fields:
            raise SettingsError(f"fields: loader {name} does not take them; leave fields out")
        return read_own(name, settings.data)
    return read_dataset(name, settings.data, fields=settings.fields)


def read_own(name: str, path: Path | None) -> Loaded:
    """Return what the loader `module:attribute` gives, held to what files are held to.

    It is called with the path, or with nothing where there is none. Raises DataError for what
    it raises, naming it, and for a result of another type.
    """
    option = f"--dataset {name}"
    loader = load_object(name, "--dataset")
    if not callable(loader):
        raise DataError(f"{option}: is no function but a {type(loader).__name__}; {_EXPECTED}")
    result = _called(loader, option, path)
    findings = Findings(Path(option))
    # As with LongMemEval, an unanswerable question may say why it is one.
    finisher = Finisher(findings, explained=True)
    base = result if isinstance(result, Dataset) else None
    given: Any = result.conversations if isinstance(result, Dataset) else result
    for number, conversation in enumerate(_conversations(given, option), 1):
        place = f"conversation {number} ({shown(conversation.id)})"
        finisher.add(draft_of(conversation, place, findings))
    label = name.replace(":", ".") if base is None else base.name
    return Loaded.of(label, findings, finisher.conversations, base)


def _called(loader: Callable[..., Any], option: str, path: Path | None) -> Any:
    arguments = () if path is None else (path,)
    try:
        inspect.signature(loader).bind(*arguments)
    except TypeError as error:
        wanted = "takes no path: leave out --data" if path else "needs a path: give --data"
        raise DataError(f"{option}: {wanted}, or mend the loader ({error})") from error
    except ValueError:
        pass  # a builtin that does not tell
    try:
        return loader(*arguments)
    except (Exception, SystemExit) as error:
        raise DataError(f"{option}: raised {_said(error)}; {_MEND}") from error


def _conversations(given: Any, option: str) -> Iterator[Conversation]:
    if isinstance(given, str | bytes | dict) or not isinstance(given, Iterable):
        raise DataError(f"{option}: gave a {type(given).__name__}; {_EXPECTED}")
    items, number = iter(given), 0
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except (Exception, SystemExit) as error:
            count = f"{number} conversation" + ("" if number == 1 else "s")
            raise DataError(f"{option}: raised {_said(error)} after {count}; {_MEND}") from error
        number += 1
        if number > MOST_CONVERSATIONS:
            raise DataError(
                f"{option}: gave more than {MOST_CONVERSATIONS:,} conversations and went on; make "
                "it end, or give fewer"
            )
        if number % _TOLD_EVERY == 0:
            print(f"memtune: {option}: {number:,} conversations so far", file=sys.stderr)
        if not isinstance(item, Conversation):
            raise DataError(
                f"{option}: gave a {type(item).__name__} as conversation {number}; {_EXPECTED}"
            )
        yield item


def _said(error: BaseException) -> str:
    """Return an exception in one line, with the place in the user's file."""
    frames = traceback.extract_tb(error.__traceback__)
    # The first is ours.
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames[1:] else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if message else ''}{message[:300]}{where}"

"""The playbooks on disk. An edit counts from the next incident on: a file that has changed is read anew."""

from difflib import get_close_matches
from pathlib import Path

from engine.incident import Unknown
from engine.playbook import Finding, Playbook, PlaybookError, read


class Library:
    """A folder of playbooks."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._read: dict[Path, tuple[tuple[int, int], tuple[Playbook, str]]] = {}

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def get(self, name: str) -> tuple[Playbook, str]:
        """Read a playbook and its text. Raises NotAllowed, PlaybookError."""
        path = self.folder / f"{name}.yaml"
        if name not in self.names():
            near = get_close_matches(name, self.names(), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.names()) or 'none'}"
            raise Unknown(f"There is no playbook {name!r}; {hint}")
        stat = path.stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        known = self._read.get(path)
        if known is None or known[0] != mark:  # reading takes 50 ms, and a storm of alerts asks each time
            playbook, _, text = read(path)
            known = self._read[path] = (mark, (playbook, text))
        return known[1]

    def all(self) -> tuple[list[Playbook], list[Finding]]:
        """Every playbook that can be read, and what is wrong with the others."""
        good, findings = [], []
        for name in self.names():
            try:
                good.append(self.get(name)[0])
            except PlaybookError as error:
                findings += error.findings
        return good, findings

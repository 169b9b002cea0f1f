"""The playbooks on disk, read anew at every use so that an edit counts from the next incident on."""

from difflib import get_close_matches
from pathlib import Path

from engine.incident import Unknown
from engine.playbook import Finding, Playbook, PlaybookError, read


class Library:
    """A folder of playbooks."""

    def __init__(self, folder: Path):
        self.folder = folder

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def get(self, name: str) -> tuple[Playbook, str]:
        """Read a playbook and its text. Raises NotAllowed, PlaybookError."""
        path = self.folder / f"{name}.yaml"
        if name not in self.names():
            near = get_close_matches(name, self.names(), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.names()) or 'none'}"
            raise Unknown(f"There is no playbook {name!r}; {hint}")
        playbook, _, text = read(path)
        return playbook, text

    def all(self) -> tuple[list[Playbook], list[Finding]]:
        """Every playbook that can be read, and what is wrong with the others."""
        good, findings = [], []
        for name in self.names():
            try:
                good.append(self.get(name)[0])
            except PlaybookError as error:
                findings += error.findings
        return good, findings

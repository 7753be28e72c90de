"""Lambda's published versions and their aliases, and the state of the stack that they are of."""

from tests.fakes.service import Document, Refusal

PAGE = 3
"""Of what lists; AWS gives 50 at a time."""


class Published:
    """`versions` and `aliases` are by function. Change them to change the world."""

    versions: dict[str, list[int]]
    aliases: dict[str, list[Document]]
    stack_status: str = "UPDATE_COMPLETE"

    def publish(self, function: str, *versions: int) -> None:
        """As a deployment does: the last one is what the alias leads to."""
        self.versions[function] = list(versions)
        self.aliases[function] = [{"Name": "live", "FunctionVersion": str(versions[-1])}]

    def _lambda_ListVersionsByFunction(self, params: Document) -> Document:  # noqa: N802
        numbers = ["$LATEST", *map(str, self._of(params))]
        return _page(params, "Versions", [{"Version": number} for number in numbers])

    def _lambda_ListAliases(self, params: Document) -> Document:  # noqa: N802
        self._of(params)
        return _page(params, "Aliases", self.aliases[params["FunctionName"]])

    def _lambda_DeleteFunction(self, params: Document) -> Document:  # noqa: N802
        function, qualifier = params["FunctionName"], params.get("Qualifier")
        if not qualifier or not qualifier.isdecimal():
            raise AssertionError(f"{function} itself would be deleted")
        if int(qualifier) not in self._of(params):
            raise Refusal("ResourceNotFoundException", f"no version {qualifier}", 404)
        for alias in self.aliases[function]:
            more = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            if qualifier in {alias["FunctionVersion"], *more}:
                raise Refusal("ResourceConflictException", f"an alias names {qualifier}", 409)
        self.versions[function].remove(int(qualifier))
        return {}

    def _of(self, params: Document) -> list[int]:
        if params["FunctionName"] not in self.versions:
            raise Refusal("ResourceNotFoundException", "Function not found", 404)
        return self.versions[params["FunctionName"]]

    def _cloudformation_DescribeStacks(self, params: Document) -> Document:  # noqa: N802
        return {"Stacks": [{"StackName": params["StackName"], "StackStatus": self.stack_status}]}


def _page(params: Document, member: str, found: list[Document]) -> Document:
    first = int(params.get("Marker", 0))
    answer: Document = {member: found[first : first + PAGE]}
    if first + PAGE < len(found):
        answer["NextMarker"] = str(first + PAGE)
    return answer

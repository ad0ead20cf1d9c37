"""The routes of a document as they run: each with its upstream and its policy."""

from collections.abc import Sequence

from cors_gateway.config.file_trees import compile_files
from cors_gateway.config.findings import Findings
from cors_gateway.config.overlaps import refuse_unreachable
from cors_gateway.config.policies import ChosenPolicy, PolicyTable
from cors_gateway.config.problems import Path
from cors_gateway.config.response_changes import (
    check_cookies,
    compile_cookies,
    compile_redirects,
)
from cors_gateway.config.route_names import name_routes
from cors_gateway.config.route_schema import RouteSettings, UpstreamSettings
from cors_gateway.config.substitution import Reader
from cors_gateway.config.upstreams import UpstreamTable, compile_headers, compile_origin
from cors_gateway.cors.methods import RECEIVABLE_METHODS, is_forbidden_method
from cors_gateway.cors.tokens import is_token
from cors_gateway.messages.path_map import PathMap
from cors_gateway.snapshot import Route, Upstream

__all__ = ["RouteTable"]

TAKE_EVERY_METHOD = "remove the key methods to take every method"


class RouteTable:
    """Compiles the routes of one document."""

    def __init__(
        self,
        findings: Findings,
        policies: PolicyTable,
        reader: Reader,
        secrets: Sequence[str],
    ) -> None:
        self._findings = findings
        self._policies = policies
        self._reader = reader
        self._secrets = secrets
        self._upstreams = UpstreamTable(findings, reader)

    def compile_routes(self, routes: list[RouteSettings]) -> tuple[Route, ...]:
        """Compile all routes, in file order, and report what is wrong with them.

        Returns:
            The routes without an error of their own.
        """
        if not routes and not self._findings.is_touched(("routes",)):
            fix = "write routes: and below it - {match: {path: /}, upstream: URL, cors: POLICY}"
            self._findings.error(("routes",), "there is no route", "nothing would be served", fix)
        names = name_routes(routes, self._findings)
        compiled = [
            self._route(route, ("routes", index), name)
            for index, (route, name) in enumerate(zip(routes, names, strict=True))
        ]
        refuse_unreachable(routes, self._findings)
        return tuple(route for route in compiled if route is not None)

    def _route(self, route: RouteSettings, path: Path, name: str) -> Route | None:
        # A folder has none of an API's settings.
        match, to = route.match, route.upstream or UpstreamSettings()
        if match.path is None:
            why = "a route is chosen by its path"
            fix = "write match: {path: /} to take everything"
            self._findings.error((*path, "match", "path"), "match.path is missing", why, fix)
        methods = self._methods(match.methods, (*path, "match", "methods"))
        chosen = self._policy(route, path)
        # Of a folder there is nothing to change.
        cookies = route.cookies if route.files is None else None
        check_cookies(cookies, (*path, "cookies"), self._findings, self._policies.is_public_suffix)
        upstream = self._upstream(route, path)
        set_fields, remove_fields = compile_headers(
            to.headers, (*path, "upstream", "headers"), self._findings
        )
        origin_field = compile_origin(to.origin, (*path, "upstream", "origin"), self._findings)
        if upstream is None or match.path is None:
            return None
        host_field = None if to.host == "preserve" else to.host.encode()
        if to.host == "upstream":
            host_field = upstream.authority
        prefix = match.path.rstrip("/").encode() if to.strip_prefix else b""
        paths = PathMap(prefix, upstream.base_path)
        return Route(
            name=name,
            path=match.path.encode(),
            upstream=upstream,
            policy=chosen.policy,
            host=match.host.encode() if match.host else None,
            methods=methods,
            strip_prefix=to.strip_prefix,
            upgrades=frozenset(
                name.encode() for name in (to.upgrades if route.upstream is not None else ())
            ),
            host_field=host_field,
            origin_field=origin_field,
            set_fields=set_fields,
            remove_fields=remove_fields,
            cookies=compile_cookies(cookies, paths, (*path, "cookies"), self._findings),
            redirects=compile_redirects(upstream, host_field, paths)
            if route.redirects == "rewrite" and route.files is None
            else None,
            source=self._findings.line(path),
            policy_name=chosen.name,
            policy_source=self._findings.line(chosen.path) if chosen.path else "",
            policy_key=self._findings.key(chosen.path),
        )

    def _upstream(self, route: RouteSettings, path: Path) -> Upstream | None:
        """Compile what the route leads to: an API, or a folder of files."""
        upstream: Upstream | None = None
        if route.upstream is not None:
            upstream = self._upstreams.compile_upstream(route.upstream, (*path, "upstream"))
        if route.files is not None:
            where = (*path, "files")
            if route.upstream is not None:
                why = "upstream is there already"
                self._findings.error(where, "files is one too many", why, "remove one", at_key=True)
            prefix = route.match.path or "/"
            upstream = compile_files(
                route.files, where, prefix, self._findings, self._reader, self._secrets
            )
            self._warn_of_changes(route, path)
        elif route.upstream is None and not self._findings.is_touched((*path, "files")):
            why = "a route leads to an API, or to files"
            fix = "write upstream: http://host:port, or files: {root: ./dist}"
            self._findings.error((*path, "upstream"), "upstream is missing", why, fix)
        return upstream

    def _warn_of_changes(self, route: RouteSettings, path: Path) -> None:
        """Warn of changes to what only an API sends."""
        changes = {"cookies": route.cookies is not None, "redirects": route.redirects != "keep"}
        for key in (key for key, is_there in changes.items() if is_there):
            why = f"files bring no {key} that could be changed"
            where = (*path, key)
            self._findings.warning(where, "{key} has no effect", why, "remove it", at_key=True)

    def _policy(self, route: RouteSettings, path: Path) -> ChosenPolicy:
        if route.cors is not None:
            return self._policies.choose(route.cors, (*path, "cors"))
        if self._policies.default is not None:
            return self._policies.default
        if not self._findings.is_touched(("defaults", "cors")):
            why = "neither the route nor defaults.cors says who may call it"
            fix = "add cors: with a policy, or cors: false to leave CORS to the API"
            self._findings.error((*path, "cors"), "cors is missing", why, fix)
        return ChosenPolicy(None)

    def _methods(self, methods: list[str] | None, path: Path) -> frozenset[bytes] | None:
        if methods is None:
            return None
        if not methods and not self._findings.is_touched(path):
            why = "the route could never be chosen"
            self._findings.error(path, "the list is empty", why, "name methods, or remove the key")
        seen: set[str] = set()
        ineffective = 0
        for index, method in enumerate(methods):
            where = (*path, index)
            if method in seen:
                why = "it stands in the list already"
                self._findings.warning(where, "{value} has no effect", why, "remove it")
                ineffective += 1
            elif method == "*":
                why = "methods are compared as they are"
                self._findings.error(where, "{value} is no method", why, TAKE_EVERY_METHOD)
            elif not method.isascii() or not is_token(method.encode()):
                self._findings.error(
                    where, "{value} is no method", "it is not a token", "write a method"
                )
            elif is_forbidden_method(method.encode()):
                why = "the gateway never forwards it"
                self._findings.error(where, "{value} cannot be routed", why, "remove it")
            elif method.encode() not in RECEIVABLE_METHODS:
                if method.upper().encode() in RECEIVABLE_METHODS:
                    fix = f'did you mean "{method.upper()}"?'
                    why = "methods are compared with their case"
                    self._findings.error(where, "{value} is no method", why, fix)
                else:
                    why = "the gateway cannot receive that method"
                    self._findings.warning(where, "{value} has no effect", why, "remove it")
                    ineffective += 1
            seen.add(method)
        if methods and ineffective == len(methods):
            what, why = "no method of the list has an effect", "the route could never be chosen"
            self._findings.error(path, what, why, f"name others, or {TAKE_EVERY_METHOD}")
        return frozenset(method.encode(errors="replace") for method in methods)

"""Decodes export requests for traces with OpenTelemetry's own definitions: read-otlp.py

Each line of standard input is a request, {"type": its Content-Type, "body": its bytes in hexadecimal}. Prints every field of
every span, and a line with a dash after each request.
"""

import base64
import json
import struct
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def with_base64_ids(value):
    """Converts ids from hexadecimal, as in OTLP's JSON, to base64, as in protobuf's JSON."""
    if isinstance(value, list):
        return [with_base64_ids(element) for element in value]
    if not isinstance(value, dict):
        return value
    ids = {"traceId", "spanId", "parentSpanId"}
    return {
        name: base64.b64encode(bytes.fromhex(member)).decode() if name in ids else with_base64_ids(member)
        for name, member in value.items()
    }


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def typed(value):
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return "string " + text(value.string_value)
    if kind == "bool_value":
        return "bool " + text(value.bool_value)
    if kind == "int_value":
        return f"int {value.int_value}"
    if kind == "double_value":
        return "double " + struct.pack(">d", value.double_value).hex()
    if kind == "array_value":
        return "list " + text([element.string_value for element in value.array_value.values])
    return "nothing"


def attributes(of):
    for attribute in of:
        print(f"  {text(attribute.key)} {typed(attribute.value)}")


def show(request):
    for resource_spans in request.resource_spans:
        print("resource")
        attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            print(f"scope {scope_spans.scope.name} {scope_spans.scope.version}")
            for span in scope_spans.spans:
                parent = span.parent_span_id.hex() or "-"
                print(f"span {span.trace_id.hex()} {span.span_id.hex()} {parent} {text(span.name)}")
                print(f"kind {span.kind} from {span.start_time_unix_nano} to {span.end_time_unix_nano}")
                print(f"status {span.status.code} {text(span.status.message)} flags {span.flags} dropped {span.dropped_links_count}")
                attributes(span.attributes)
                for event in span.events:
                    print(f"event {event.time_unix_nano} {text(event.name)}")
                    attributes(event.attributes)
                for link in span.links:
                    print(f"link {link.trace_id.hex()} {link.span_id.hex()} flags {link.flags}")
                    attributes(link.attributes)


def main():
    for line in sys.stdin:
        sent = json.loads(line)
        body = bytes.fromhex(sent["body"])
        if sent["type"] == "application/json":
            request = json_format.ParseDict(with_base64_ids(json.loads(body)), ExportTraceServiceRequest())
        else:
            request = ExportTraceServiceRequest.FromString(body)
        show(request)
        print("-")


main()

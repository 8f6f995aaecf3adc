/// Invalid custom events, each with the path of its error.
enum WrongBodies {
  private static let event = #""id": "1", "type": "deploy""#

  static let all: [(body: String, path: String)] = [
    (#"{"action": "start", "type": "deploy"}"#, "$.id"), (#"{"id": "1", "type": "deploy"}"#, "$.action"),
    (#"{"id": "1", "action": "begin", "type": "deploy"}"#, "$.action"), (#"{"id": "1", "action": "end"}"#, "$.type"),
    (#"{"id": "", "action": "end", "type": "deploy"}"#, "$.id"), (#"[1]"#, "$[0]"), ("[]", "$"),
    (#"[{\#(event), "action": "end"}, {"action": "end", "type": "deploy"}]"#, "$[1].id"),
    ("[" + [String](repeating: #"{\#(event), "action": "end"}"#, count: 1001).joined(separator: ",") + "]", "$"),
    (#"{\#(event), "time": "2024-03-10T09:00:00Z"}"#, "$.action"),
    (#"{\#(event), "startedAt": "2024-03-10 09:00"}"#, "$.startedAt"),
    (#"{\#(event), "startedAt": 1709632800.5}"#, "$.startedAt"),
    (#"{\#(event), "endedAt": 1795000060000000}"#, "$.endedAt"), (#"{\#(event), "endedAt": "yesterday"}"#, "$.endedAt"),
    (#"{\#(event), "action": "end", "time": {}}"#, "$.time"),
    (#"{\#(event), "action": "start", "endedAt": 1709632800}"#, "$.endedAt"),
    (#"{\#(event), "action": "annotate", "endedAt": 1709632800}"#, "$.endedAt"),
    (#"{\#(event), "action": "annotate", "startedAt": 1709632800}"#, "$.startedAt"),
    (#"{\#(event), "action": "end", "outcome": "good"}"#, "$.outcome"),
    (#"{\#(event), "action": "start", "outcome": "success"}"#, "$.outcome"),
    (#"{\#(event), "startedAt": 1709632800, "outcome": "success"}"#, "$.outcome"),
    (#"{\#(event), "action": "end", "error": true, "outcome": "success"}"#, "$.outcome"),
    (#"{\#(event), "action": "end", "error": true, "outcome": "cancellation"}"#, "$.outcome"),
    (#"{\#(event), "action": "end", "name": ["a"]}"#, "$.name"),
    (#"{\#(event), "action": "end", "environment": true}"#, "$.environment"),
    (#"{\#(event), "action": "end", "service": {}}"#, "$.service"), (#"{\#(event), "action": "end", "url": "ci/7"}"#, "$.url"),
    (#"{\#(event), "action": "end", "attributes": []}"#, "$.attributes"),
    (#"{\#(event), "action": "end", "references": "TP-3"}"#, "$.references"),
    (#"{\#(event), "action": "end", "references": ["TP-3", "see TP-4"]}"#, "$.references[1]"),
    (#"{\#(event), "action": "end", "references": [{"kind": "commit", "value": "1a2b3c"}]}"#, "$.references[0].value"),
    (#"{\#(event), "action": "end", "references": ["acme/site"]}"#, "$.references[0]"),
    (#"{\#(event), "action": "end", "references": ["https://github.com/acme/site"]}"#, "$.references[0]"),
    (#"{\#(event), "action": "end", "references": [7]}"#, "$.references[0]"),
    (#"{\#(event), "action": "end", "references": [{"value": "TP-3"}]}"#, "$.references[0].kind"),
    (#"{\#(event), "action": "end", "references": [{"kind": "branch", "value": "main"}]}"#, "$.references[0].kind"),
    (#"{\#(event), "action": "end", "references": [{"kind": "commit", "value": "main"}]}"#, "$.references[0].value"),
    (#"{\#(event), "action": "end", "references": [{"kind": "event"}]}"#, "$.references[0].value"),
    (
      #"{\#(event), "action": "end", "references": [\#([String](repeating: "1", count: 101).map { "\"\($0)\"" }.joined(separator: ","))]}"#,
      "$.references"
    ),
    (#"{\#(event), "action": "end", "phases": [{"name": "a"}]}"#, "$.phases[0].startedAt"),
    (#"{\#(event), "action": "end", "phases": [{"endedAt": 1709632800}]}"#, "$.phases[0].name"),
    (
      #"{\#(event), "action": "end", "phases": [{"name": "a", "startedAt": 1709632800, "outcome": "skip"}]}"#,
      "$.phases[0].outcome"
    ),
    (#"{\#(event), "action": "end", "moments": [{"name": "a"}, {}]}"#, "$.moments[1].name"),
    (#"{\#(event), "action": "end", "moments": [{"name": "a", "time": "then"}]}"#, "$.moments[0].time"),
    (#"{\#(event), "action": "end", "moments": [{"name": "a", "attributes": 7}]}"#, "$.moments[0].attributes"),
    (#"{\#(event), "action": "end", "moments": {"name": "a"}}"#, "$.moments"),
  ]

  /// Events whose times contradict each other, which a schema cannot express.
  static let times: [(body: String, path: String)] = [
    (#"{\#(event), "startedAt": 1709632801, "endedAt": 1709632800}"#, "$.endedAt"),
    (#"{\#(event), "action": "end", "startedAt": 1709632801, "time": 1709632800}"#, "$.time"),
    (
      #"{\#(event), "action": "end", "phases": [{"name": "a", "startedAt": 1709632801, "endedAt": 1709632800}]}"#,
      "$.phases[0].endedAt"
    ),
    (#"{\#(event), "startedAt": "2024-02-30T00:00:00Z"}"#, "$.startedAt"),
  ]
}

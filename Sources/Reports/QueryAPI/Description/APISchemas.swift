import ValueStreamCore

/// The named parts of answers.
enum APISchemas {
  /// In the order of the description.
  static let named: [(name: String, schema: JSONSchema)] =
    [
      ("Problem", problem), ("Span", span), ("SpanLink", link), ("Attributes", attributes), ("TraceSummary", traceSummary),
      ("Delivery", delivery), ("Rejection", rejection),
    ] + reports

  private static let problem = JSONSchema.object([
    JSONSchema.member("type", .text()), JSONSchema.member("title", .text()), JSONSchema.member("status", .integer),
    JSONSchema.member("detail", .text(), "What is wrong, and what was expected."),
    JSONSchema.optional("candidates", .array(of: .text()), "The keys of the items that have the name."),
  ])

  private static let attributes = JSONSchema.map(of: .any)

  private static let span = JSONSchema.object([
    JSONSchema.member("key", .text(), "The identity of the item over its life."),
    JSONSchema.member("name", .text()),
    JSONSchema.member("classicID", .nullable(.text())),
    JSONSchema.member("operation", .text(), "Such as pull_request, build or deploy."),
    JSONSchema.member("source", .text()),
    JSONSchema.member("traceID", .text()),
    JSONSchema.member("spanID", .text()),
    JSONSchema.member("parentSpanID", .nullable(.text())),
    JSONSchema.member("parentKey", .nullable(.text())),
    JSONSchema.member("parentRule", .nullable(.text())),
    JSONSchema.member("start", .time),
    JSONSchema.member("end", .nullable(.time), "Null while it runs."),
    JSONSchema.member("outcome", .nullable(.text(choices: Outcome.allCases.map(\.rawValue)))),
    JSONSchema.member("attempt", .integer),
    JSONSchema.member("attributes", .named("Attributes")),
    JSONSchema.member(
      "phases",
      .array(
        of: .object([
          JSONSchema.member("name", .text()), JSONSchema.member("start", .time), JSONSchema.member("end", .nullable(.time)),
          JSONSchema.member("outcome", .nullable(.text())),
        ]))),
    JSONSchema.member(
      "events",
      .array(
        of: .object([
          JSONSchema.member("name", .text()), JSONSchema.member("time", .time),
          JSONSchema.member("attributes", .named("Attributes")),
        ]))),
    JSONSchema.member("links", .array(of: .named("SpanLink"))),
  ])

  private static let link = JSONSchema.object([
    JSONSchema.member("key", .text()), JSONSchema.member("name", .nullable(.text())),
    JSONSchema.optional("title", .nullable(.text()), "Of a change."),
    JSONSchema.optional("number", .nullable(.text()), "Of a change."),
    JSONSchema.optional("address", .nullable(.text()), "The page of a change at its vendor."),
    JSONSchema.member("traceID", .text()), JSONSchema.member("spanID", .text()), JSONSchema.member("rule", .text()),
    JSONSchema.member("attributes", .named("Attributes")),
  ])

  private static let traceSummary = JSONSchema.object([
    JSONSchema.member("traceID", .text()), JSONSchema.member("rootKey", .nullable(.text())),
    JSONSchema.member("rootName", .nullable(.text())), JSONSchema.member("rootOperation", .nullable(.text())),
    JSONSchema.member("rootSource", .nullable(.text())), JSONSchema.member("start", .nullable(.time)),
    JSONSchema.member("end", .nullable(.time)), JSONSchema.member("outcome", .nullable(.text())),
    JSONSchema.member("spans", .integer), JSONSchema.member("errors", .integer),
    JSONSchema.optional("truncated", .boolean),
  ])

  private static let delivery = JSONSchema.object(
    deliveryMembers + [
      JSONSchema.optional("headers", .map(of: .text())), JSONSchema.optional("body", .text()),
    ])

  private static let deliveryMembers: [JSONSchema.Member] = [
    JSONSchema.member("id", .text()), JSONSchema.member("source", .text()), JSONSchema.member("received", .time),
    JSONSchema.member("deliveryID", .nullable(.text())), JSONSchema.member("bytes", .integer),
    JSONSchema.member("result", .text(choices: ["recorded", "ignored", "unreadable"])),
    JSONSchema.optional("reason", .text()), JSONSchema.optional("path", .nullable(.text())),
    JSONSchema.member("events", .array(of: .map(of: .any))), JSONSchema.member("branches", .array(of: .map(of: .any))),
    JSONSchema.optional("exclusion", .map(of: .text())), JSONSchema.optional("unread", .map(of: .any)),
  ]

  private static let rejection = JSONSchema.object([
    JSONSchema.member("exporter", .text()), JSONSchema.member("time", .time), JSONSchema.member("count", .integer),
    JSONSchema.member("reason", .text()),
    JSONSchema.member(
      "spans",
      .array(
        of: .object([
          JSONSchema.member("key", .text()), JSONSchema.member("attempt", .integer), JSONSchema.member("spanID", .text()),
        ]))),
  ])
}

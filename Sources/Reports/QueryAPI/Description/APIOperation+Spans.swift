import ValueStreamCore

extension APIOperation {
  /// All operations, in the order of the description.
  static let all: [APIOperation] =
    [spans, spansOfOne, traces, trace, deliveries, delivery, rejections, stats] + reports + evidence
    + [history, exclusions, description]

  private static let next = JSONSchema.member("next", .nullable(.text()), "The cursor of the next page. Null on the last page.")

  private static let spans = APIOperation(
    path: "/api/v1/spans", id: "listSpans", summary: "Lists spans.", parameters: SpansQuery.parameters,
    answer: .object([
      JSONSchema.member("spans", .array(of: .named("Span"))), next,
      JSONSchema.optional("limited", .boolean, "True if the page would be too large and is cut."),
      JSONSchema.optional("damaged", .integer, "Items that belong here and cannot be read."),
    ]))

  private static let spansOfOne = APIOperation(
    path: "/api/v1/spans/{key}", id: "getSpans", summary: "Returns all attempts of one item, by key, classic id or name.",
    answer: .object([
      JSONSchema.member("key", .text()), JSONSchema.member("spans", .array(of: .named("Span"))),
      JSONSchema.optional("limited", .boolean),
    ]))

  private static let traces = APIOperation(
    path: "/api/v1/traces", id: "listTraces", summary: "Lists traces.", parameters: TracesHandler.parameters,
    answer: .object([JSONSchema.member("traces", .array(of: .named("TraceSummary"))), next]))

  private static let trace = APIOperation(
    path: "/api/v1/traces/{traceID}", id: "getTrace", summary: "Returns one trace with its spans.",
    answer: .object([
      JSONSchema.member("traceID", .text()), JSONSchema.member("spans", .array(of: .named("Span"))),
      JSONSchema.optional("truncated", .boolean),
    ]))

  private static let deliveries = APIOperation(
    path: "/api/v1/deliveries", id: "listDeliveries", summary: "Lists deliveries and what they became, newest first.",
    parameters: DeliveriesHandler.parameters,
    answer: .object([JSONSchema.member("deliveries", .array(of: .named("Delivery"))), next]))

  private static let delivery = APIOperation(
    path: "/api/v1/deliveries/{id}", id: "getDelivery", summary: "Returns one delivery with its headers and body.",
    answer: .named("Delivery"))

  private static let rejections = APIOperation(
    path: "/api/v1/refusals", id: "listRejections", summary: "Lists the spans that backends rejected for good.",
    parameters: RejectionsHandler.parameters,
    answer: .object([JSONSchema.member("refusals", .array(of: .named("Rejection"))), next]))

  private static let stats = APIOperation(
    path: "/api/v1/stats", id: "getStats", summary: "Counts deliveries, spans and exports.",
    answer: .object([
      JSONSchema.member("deliveries", .map(of: .integer)), JSONSchema.member("spans", .map(of: .integer)),
      JSONSchema.member("exporters", .map(of: .map(of: .integer))),
      JSONSchema.optional("leading", .boolean), JSONSchema.optional("leader", .text()),
    ]))

  private static let exclusions = APIOperation(
    path: ExclusionsHandler.path, id: "listExclusions", summary: "Lists what persons left out of all numbers.",
    parameters: ExclusionsHandler.parameters,
    answer: .object([JSONSchema.member("exclusions", .array(of: ExclusionsHandler.rows.schema)), next]), hasCSV: true)

  private static let description = APIOperation(
    path: OpenAPIHandler.path, id: "getDescription", summary: "Returns this description.", answer: .map(of: .any))
}

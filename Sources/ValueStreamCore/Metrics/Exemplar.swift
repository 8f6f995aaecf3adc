/// An observation in a histogram bucket and the attempt it measured. Leads from a metric to a trace.
///
/// Stores the subject's key rather than a trace id: a parent that arrives late can change the trace.
public struct Exemplar: Sendable, Hashable {
  public var value: Double
  public var span: OutboxEntry

  public init(value: Double, span: OutboxEntry) {
    self.value = value
    self.span = span
  }
}

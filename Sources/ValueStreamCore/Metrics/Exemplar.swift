/// An observation in a bucket of a histogram and the end it was of: the way from a number to a trace.
///
/// That is named by the key of its thing and not by a trace, which a parent that is told later may still change.
public struct Exemplar: Sendable, Hashable {
  public var value: Double
  public var span: Announcement

  public init(value: Double, span: Announcement) {
    self.value = value
    self.span = span
  }
}

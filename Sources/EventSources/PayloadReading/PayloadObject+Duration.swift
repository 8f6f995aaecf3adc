extension PayloadObject {
  /// Ten years in seconds, longer than any duration that vsd measures.
  private static let longestDuration = 315_576_000.0

  /// Returns a duration in seconds; nil if the member is not a number, is negative, or exceeds ten years.
  ///
  /// - Parameter units: the number of the payload's units in one second.
  package func duration(_ name: StaticString, unitsPerSecond units: Double = 1) -> Double? {
    guard let number = value[name]?.double else { return nil }
    let seconds = number / units
    // Also false for NaN.
    return seconds >= 0 && seconds <= Self.longestDuration ? seconds : nil
  }
}

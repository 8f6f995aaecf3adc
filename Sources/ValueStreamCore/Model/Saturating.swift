extension FixedWidthInteger {
  /// The nearest whole number, or the bound that it exceeds; 0 for NaN. `init(_:)` of the standard library would trap.
  package init(saturating number: Double) {
    let whole = number.rounded()
    self = Self(exactly: whole) ?? (whole.isNaN ? 0 : whole < 0 ? .min : .max)
  }
}

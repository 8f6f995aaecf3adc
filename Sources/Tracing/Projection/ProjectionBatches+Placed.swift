package import ValueStreamCore

extension ProjectionBatches {
  /// Returns those named values that hold positions or places, as they are for a copy of log and store.
  ///
  /// The projection must have reached the end of the log.
  ///
  /// - Parameter position: Returns the position of a delivery in the copy; nil if it is not there.
  package static func placedValues(
    in values: [String: [UInt8]], at position: (LogPosition) -> LogPosition?
  ) -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    if let setAside = values[SetAsideDeliveries.valueName] {
      result[SetAsideDeliveries.valueName] = SetAsideDeliveries(encoded: setAside).moved(to: position).encoded
    }
    if let pending = values[PendingTies.valueName] {
      result[PendingTies.valueName] = PendingTies(encoded: pending).restarted.encoded
    }
    if values[ProjectionProgress.valueName] != nil { result[ProjectionProgress.valueName] = [] }
    return result
  }
}

import ValueStreamCore

extension SpanStoreWriter {
  /// Records what was counted of a subject, or that it awaits measurement. Does nothing if the subject is not stored.
  func write(_ change: MeasurementChange, of key: SubjectKey) throws {
    guard let sequence = try row(of: key) else { return }
    switch change {
    case .awaits(let since, let counted):
      let statement = try reader.statement(.awaitMeasurement)
      statement.bind(1, sequence)
      statement.bind(2, since.nanoseconds)
      try statement.binding(3, counted) { try statement.run() }
    case .counted(let counted):
      let statement = try reader.statement(.setMeasurement)
      statement.bind(1, sequence)
      try statement.binding(2, counted) { try statement.run() }
    }
  }

  func absorbMeasurement(of absorbed: Int64, into absorbing: Int64) throws {
    let statement = try reader.statement(.absorbMeasurement)
    statement.bind(1, absorbed)
    statement.bind(2, absorbing)
    try statement.run()
  }
}

/// What a running job can tell of itself: the keys that its vendor's webhooks give to it and to its run.
package struct RunContext: Sendable, Hashable {
  package var run: SpanKey
  /// Nil where the vendor does not number the attempts of a run.
  package var attempt: Int?
  /// The part of the run that is running; nil where its surroundings do not tell.
  package var job: SpanKey?

  package init(run: SpanKey, attempt: Int?, job: SpanKey? = nil) {
    self.run = run
    self.attempt = attempt
    self.job = job
  }
}

/// The variables that a CI sets for its jobs.
package struct RunVariables: Sendable {
  /// Why a job's surroundings do not tell which one it is.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
      self.description = description
    }
  }

  private let values: [String: String]
  private let system: String

  /// - Parameter system: the CI, as errors name it.
  package init(_ values: [String: String], of system: String) {
    self.values = values
    self.system = system
  }

  /// The text of a variable; nil when it is not set, or empty.
  package func text(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  package func require(_ name: String) throws(Failure) -> String {
    guard let text = text(name) else { throw Failure("\(name) is not set, and \(system) sets it") }
    return text
  }

  /// A whole number, as ids and counts are.
  package func requireNumber(_ name: String) throws(Failure) -> Int64 {
    guard let number = Int64(try require(name)) else { throw expected(name, "a whole number") }
    return number
  }

  /// What is wrong with a variable that is set.
  package func expected(_ name: String, _ what: String) -> Failure {
    Failure("\(name): \"\(text(name) ?? "")\" is not \(what)")
  }
}

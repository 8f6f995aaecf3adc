/// The keys of the current CI job and its run, equal to those that the vendor's webhooks give.
package struct RunContext: Sendable, Hashable {
  package var run: SubjectKey
  /// Nil if the vendor does not number the attempts of a run.
  package var attempt: Int?
  /// The current job of the run; nil if the environment does not identify it.
  package var job: SubjectKey?

  package init(run: SubjectKey, attempt: Int?, job: SubjectKey? = nil) {
    self.run = run
    self.attempt = attempt
    self.job = job
  }
}

/// The environment variables that a CI system sets for its jobs.
package struct RunVariables: Sendable {
  /// Why the environment does not identify the job.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
      self.description = description
    }
  }

  private let values: [String: String]
  private let system: String

  /// Wraps the variables of one CI system.
  ///
  /// - Parameter system: The name of the CI system in error messages.
  package init(_ values: [String: String], of system: String) {
    self.values = values
    self.system = system
  }

  /// The value of a variable; nil if it is unset or empty.
  package func text(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The value of a variable.
  ///
  /// - Throws: If it is unset or empty.
  package func require(_ name: String) throws(Failure) -> String {
    guard let text = text(name) else { throw Failure("\(name) is not set, and \(system) sets it") }
    return text
  }

  /// The value of a variable that holds an integer, such as an id or a count.
  ///
  /// - Throws: If it is unset, empty or not an integer.
  package func requireNumber(_ name: String) throws(Failure) -> Int64 {
    guard let number = Int64(try require(name)) else { throw expected(name, "a whole number") }
    return number
  }

  /// The error for a variable that is set to something other than `what`.
  package func expected(_ name: String, _ what: String) -> Failure {
    Failure("\(name): \"\(text(name) ?? "")\" is not \(what)")
  }
}

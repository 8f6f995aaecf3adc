/// A CI whose jobs can find out which span they are.
package struct CISystem: Sendable {
  /// The name in messages: `GitHub Actions`.
  package var name: String
  /// True if no variable holds the id of a job, so that the job has to be told it.
  package var needsJobID: Bool
  /// Reads which job the process runs in from its environment variables.
  ///
  /// Takes the id of the job if ``needsJobID`` is true and the user gave one. Returns nil outside this CI. Throws if a variable
  /// that the CI sets is missing or malformed.
  package var context: @Sendable (_ environment: [String: String], _ job: Int64?) throws(RunVariables.Failure) -> RunContext?

  package init(
    name: String, needsJobID: Bool = false,
    context: @escaping @Sendable (_ environment: [String: String], _ job: Int64?) throws(RunVariables.Failure) -> RunContext?
  ) {
    self.name = name
    self.needsJobID = needsJobID
    self.context = context
  }
}

import Testing

/// Settings that must be rejected, and the text that the error must contain.
package struct SettingMistake: Sendable, CustomTestStringConvertible {
  package var arguments: [String]
  package var environment: [String: String]
  /// Texts that the error must contain: where the mistake is, and what is valid there.
  package var says: [String]

  package init(_ arguments: [String], _ environment: [String: String], says: [String]) {
    self.arguments = arguments
    self.environment = environment
    self.says = says
  }

  /// The secret in mistakes that contain one.
  ///
  /// No error may contain it.
  package static let secret = "hunter2"

  package var testDescription: String { "\(arguments) \(environment)" }

  /// Checks that reading the settings fails with the expected error.
  ///
  /// - Parameter read: reads the settings.
  package func check(_ read: (_ arguments: [String], _ environment: [String: String]) throws -> Void) {
    do {
      try read(arguments, environment)
      Issue.record("\(testDescription) is accepted")
    } catch {
      for text in says { #expect("\(error)".contains(text), "\(error)") }
      #expect(!"\(error)".contains(Self.secret))
    }
  }
}

import Testing

/// Settings that must not be taken, and what is said of them.
package struct SettingMistake: Sendable, CustomTestStringConvertible {
  package var arguments: [String]
  package var environment: [String: String]
  /// What stands in the error: the place, and what is known there.
  package var says: [String]

  package init(_ arguments: [String], _ environment: [String: String], says: [String]) {
    self.arguments = arguments
    self.environment = environment
    self.says = says
  }

  /// The secret of mistakes that have one: it never stands in an error.
  package static let secret = "hunter2"

  package var testDescription: String { "\(arguments) \(environment)" }

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

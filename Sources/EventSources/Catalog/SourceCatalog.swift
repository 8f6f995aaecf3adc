import CDEvents
import CustomHTTP
import GitHubWebhooks
import GitLabWebhooks
import JenkinsWebhooks
import JiraWebhooks
import TrelloWebhooks
package import ValueStreamCore

/// All sources and their settings, for the executables.
package enum SourceCatalog {
  /// The factories of all sources, in the order of help texts and pages.
  package static let all: [any SourceFactory] = [
    GitHubFactory(),
    GitLabFactory(),
    JenkinsFactory(),
    JiraFactory(),
    TrelloFactory(),
    CustomHTTPFactory(),
    CDEventsFactory(),
  ]

  /// The settings for mapping payloads to subjects, in the order of the help text.
  package static let classification =
    ClassificationSettings.declarations + ServiceRules.declarations + all.flatMap(\.classification)

  /// The secrets of all sources, and the settings that belong to them.
  package static let secrets = all.flatMap { $0.secret.declarations + $0.authentication }

  /// The CIs whose jobs can find out which span they are.
  package static let ciSystems = all.compactMap(\.ci)

  // A factory makes a source to tell its name, which is too much to do for each delivery.
  private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
  private static let byRoute = Dictionary(all.map { ($0.route, $0) }) { first, _ in first }

  /// Returns the factory of a source; nil if there is no such source.
  package static func factory(named name: String) -> (any SourceFactory)? {
    byName[name]
  }

  /// Returns the factory of the source that takes deliveries at a path; nil if there is no such source.
  package static func factory(at route: String) -> (any SourceFactory)? {
    byRoute[route]
  }

  /// Returns all sources with their secrets.
  ///
  /// - Throws: a one-line message for the user.
  package static func sources(
    _ settings: Settings, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> [any EventSource] {
    var sources: [any EventSource] = []
    for factory in all {
      let secrets = try factory.secret.secrets(in: settings, readFile: readFile)
      sources.append(try factory.makeSource(secrets: secrets, settings: settings))
    }
    return sources
  }

  /// Returns all sources without secrets, to parse payloads without authenticating them.
  ///
  /// - Throws: a one-line message for the user.
  package static func readers(_ settings: Settings) throws(SettingsError) -> [any EventSource] {
    var sources: [any EventSource] = []
    for factory in all { sources.append(try factory.makeSource(secrets: [], settings: settings)) }
    return sources
  }

  /// Returns the CI job that runs this process; nil outside the supported CIs.
  ///
  /// - Parameter job: the id of the job, for a CI that sets no variable with it.
  /// - Throws: a one-line message for the user if a variable that the CI sets is missing or malformed, or if `job` is
  ///   given in another CI.
  package static func runContext(
    in environment: [String: String], job: Int64?
  ) throws(RunVariables.Failure) -> RunContext? {
    for ci in ciSystems {
      guard let context = try ci.context(environment, job) else { continue }
      if job != nil, !ci.needsJobID {
        let names = ciSystems.filter(\.needsJobID).map(\.name).listed("or")
        throw RunVariables.Failure("only a job of \(names) needs to be told its id")
      }
      return context
    }
    return nil
  }
}

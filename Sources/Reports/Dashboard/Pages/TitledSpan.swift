import ValueStreamCore

private let titleAttributes = ["vcs.change.title", "valuestream.issue.title", "valuestream.release.title"]

extension Subject {
  /// The title that people gave to the item; nil if it has none.
  var givenTitle: String? { titleAttributes.lazy.compactMap(text).first }
}

extension Span {
  /// The title that people gave to the item; nil if it has none.
  var givenTitle: String? { titleAttributes.lazy.compactMap { attributes.text(of: $0) }.first }

  /// The name as short as it can be among the items of a repository: without its owner, and for builds and jobs without
  /// the repository.
  func shortName(in project: String?) -> String {
    if operation == .job, let task = attributes.text(of: "cicd.pipeline.task.name") { return task }
    guard let project, project == self.project, !project.isEmpty else { return name }
    if operation == .build, name.hasPrefix(project + " ") { return String(name.dropFirst(project.count + 1)) }
    guard let owner = project.lastIndex(of: "/"), name.hasPrefix(project) else { return name }
    return String(name.dropFirst(project[...owner].count))
  }

  /// The page of the item at its vendor; nil if no payload names one.
  var webLink: WebLink? {
    let names = [
      "valuestream.change.url", "valuestream.issue.url", "cicd.pipeline.task.run.url.full", "cicd.pipeline.run.url.full",
      "valuestream.deployment.url", "valuestream.release.url", "valuestream.url",
    ]
    return names.lazy.compactMap { WebLink(attributes.text(of: $0)) }.first
  }

  var environment: String? { attributes.text(of: "deployment.environment.name") }
  var service: String? { attributes.text(of: "valuestream.service") }

  /// The first digits of the commit that a build or deploy is about.
  var shortCommit: String? {
    attributes.text(of: "vcs.ref.head.revision").map { String($0.prefix(7)) }
  }

  var author: String? {
    attributes.text(of: "valuestream.change.author") ?? attributes.text(of: "valuestream.issue.author")
      ?? attributes.text(of: "valuestream.deployment.actor") ?? attributes.text(of: "valuestream.build.actor")
  }
}

extension TracedSpan {
  /// The page that shows the span in its trace.
  var address: Address {
    switch span.operation {
    case .deploy: Address("deploys", span.id.description).adding("key", span.key.description)
    case .pullRequest: Address("changes", span.id.description).adding("key", span.key.description)
    default: Address("traces", traceID.description).adding("span", span.id.description)
    }
  }
}

extension AttributeValue {
  /// The value as a text for people; nil for `null`.
  var text: String? {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): "\(number)"
    case .bool(let flag): flag ? "yes" : "no"
    case .strings(let texts): texts.joined(separator: ", ")
    case .null: nil
    }
  }
}

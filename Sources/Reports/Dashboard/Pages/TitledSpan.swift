import ValueStreamCore

private let titleAttributes = [
  AttributeName.vcsChangeTitle, AttributeName.valuestreamIssueTitle, AttributeName.valuestreamReleaseTitle,
]

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
    if operation == .job, let task = attributes.text(of: AttributeName.cicdPipelineTaskName) { return task }
    guard let project, project == self.project, !project.isEmpty else { return name }
    if operation == .build, name.hasPrefix(project + " ") { return String(name.dropFirst(project.count + 1)) }
    guard let owner = project.lastIndex(of: "/"), name.hasPrefix(project) else { return name }
    return String(name.dropFirst(project[...owner].count))
  }

  /// The page of the item at its vendor; nil if no payload names one.
  var webLink: WebLink? {
    let names = [
      AttributeName.valuestreamChangeURL, AttributeName.valuestreamIssueURL, AttributeName.cicdPipelineTaskRunURLFull,
      AttributeName.cicdPipelineRunURLFull,
      AttributeName.valuestreamDeploymentURL, AttributeName.valuestreamReleaseURL, AttributeName.valuestreamURL,
    ]
    return names.lazy.compactMap { WebLink(attributes.text(of: $0)) }.first
  }

  var environment: String? { attributes.text(of: AttributeName.deploymentEnvironmentName) }
  var service: String? { attributes.text(of: AttributeName.valuestreamService) }

  /// The first digits of the commit that a build or deploy is about.
  var shortCommit: String? {
    attributes.text(of: AttributeName.vcsRefHeadRevision).map { String($0.prefix(7)) }
  }

  /// How a deploy relates to the one before it: `first` if there is none, of which nothing tells what it brought.
  var deployStep: String? { attributes.text(of: AttributeName.valuestreamDeploymentStep) }

  var author: String? {
    attributes.text(of: AttributeName.valuestreamChangeAuthor) ?? attributes.text(of: AttributeName.valuestreamIssueAuthor)
      ?? attributes.text(of: AttributeName.valuestreamDeploymentActor) ?? attributes.text(of: AttributeName.valuestreamBuildActor)
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

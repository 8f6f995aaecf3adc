/// The kinds of GitLab's payloads that the source reads, by `object_kind`. It ignores all others.
///
/// This is the only list: the mapping switches over it, and webhooks are set up and checked by it.
enum GitLabReadEvent: String, CaseIterable {
  case issue
  case workItem = "work_item"
  case mergeRequest = "merge_request"
  case pipeline
  case build
  /// A name that some versions give to ``build``.
  case job
  case deployment
  case release
  case note
  case push

  /// The member of a webhook that switches payloads of this kind on.
  ///
  /// Source: GitLab Docs, "Project webhooks API". Issue events include work items.
  var hookEvent: String {
    switch self {
    case .issue, .workItem: "issues_events"
    case .mergeRequest: "merge_requests_events"
    case .pipeline: "pipeline_events"
    case .build, .job: "job_events"
    case .deployment: "deployment_events"
    case .release: "releases_events"
    case .note: "note_events"
    case .push: "push_events"
    }
  }
}

extension GitLabSource {
  /// The events that a webhook for this source must send, as members of GitLab's API.
  package static let hookEvents = Set(GitLabReadEvent.allCases.map(\.hookEvent)).sorted()

  /// True if the source reads payloads with this `object_kind`.
  package static func reads(kind: String) -> Bool { GitLabReadEvent(rawValue: kind) != nil }
}

import Foundation
import GitLabWebhooks
import ValueStreamCore
import ValueStreamTesting

/// Builds payloads of one project, on 5 March 2024, in the format that GitLab sends.
enum GitLabHistory {
  typealias Object = [String: Any]

  /// The time of receipt, years after every event, so that a mix-up with the time of an event shows.
  static let received = Timestamp(rfc3339: "2026-11-29T12:00:00Z") ?? .epoch

  static func time(_ time: String?) -> Any {
    guard let time else { return NSNull() }
    return "2024-03-05 \(time) UTC"
  }

  static func time(_ time: Timestamp?) -> Any {
    guard let time else { return NSNull() }
    return time.rfc3339
  }

  static func delivery(_ kind: String, _ body: Object) throws -> Delivery {
    var body = body
    body["object_kind"] = kind
    body["project"] =
      [
        "id": 7, "name": "Site", "path_with_namespace": "acme/site", "default_branch": "main",
        "web_url": "https://gitlab.example/acme/site",
      ] as Object
    let bytes = try JSONSerialization.data(withJSONObject: body, options: .sortedKeys)
    return Delivery(source: "gitlab", received: received, headers: ["Content-Type": "application/json"], body: Array(bytes))
  }

  /// A job as listed in a pipeline payload.
  static func job(
    _ id: Int, _ status: String, created: Any, started: Any = NSNull(), finished: Any = NSNull(), queued: Any = NSNull(),
    change: Object = [:]
  ) -> Object {
    [
      "id": id, "name": "job \(id)", "stage": "test", "status": status, "created_at": created, "started_at": started,
      "finished_at": finished, "queued_duration": queued, "when": "on_success", "manual": false, "allow_failure": false,
    ].merging(change) { $1 }
  }

  static func pipeline(
    _ status: String, created: Any, finished: Any = NSNull(), duration: Any = NSNull(), queued: Any = NSNull(), _ jobs: [Object]
  ) throws -> Delivery {
    try delivery(
      "pipeline",
      [
        "object_attributes": [
          "id": 700, "iid": 3, "ref": "main", "sha": String(repeating: "d", count: 40), "source": "push", "status": status,
          "created_at": created, "finished_at": finished, "duration": duration, "queued_duration": queued,
        ] as Object, "builds": jobs,
      ])
  }

  /// A job payload.
  static func build(
    _ id: Int, _ status: String, created: Any, started: Any = NSNull(), finished: Any = NSNull(), change: Object = [:]
  ) throws -> Delivery {
    try delivery(
      "build",
      [
        "build_id": id, "build_name": "job \(id)", "build_stage": "test", "build_status": status, "pipeline_id": 700,
        "build_created_at": created, "build_started_at": started, "build_finished_at": finished,
        "build_duration": NSNull(), "build_queued_duration": NSNull(), "build_allow_failure": false, "ref": "main",
        "sha": String(repeating: "d", count: 40),
      ].merging(change) { $1 })
  }

  static func deployment(_ id: Int, _ status: String, at time: String) throws -> Delivery {
    try delivery(
      "deployment",
      [
        "deployment_id": id, "deployable_id": id + 1000, "status": status, "status_changed_at": Self.time(time),
        "environment": "production", "environment_tier": "production", "ref": "main",
      ])
  }

  static func mergeRequest(_ action: String?, _ state: String, updated: String, change: Object = [:]) throws -> Delivery {
    var request: Object = [
      "id": 1, "iid": 11, "title": "Add discount", "state": state, "created_at": time("08:00:00"),
      "updated_at": time(updated), "source_branch": "discount", "target_branch": "main", "source_project_id": 7,
      "target_project_id": 7, "draft": false,
    ]
    request["action"] = action
    return try delivery("merge_request", ["object_attributes": request.merging(change) { $1 }])
  }

  static func issue(_ action: String?, _ state: String, updated: String, closed: String? = nil) throws -> Delivery {
    var issue: Object = [
      "id": 2, "iid": 5, "title": "No discount", "state": state, "created_at": time("07:00:00"), "updated_at": time(updated),
      "closed_at": time(closed), "type": "Issue",
    ]
    issue["action"] = action
    return try delivery("issue", ["object_attributes": issue])
  }

  /// Processes deliveries in the given order (seed 0), or shuffled and with some duplicates.
  static func story(_ deliveries: [Delivery], seed: UInt64) throws -> DeliveryStory {
    var random = SeededRandom(seed: seed)
    let repeated = seed == 0 ? [] : deliveries.filter { _ in random.oneIn(3) }
    return try DeliveryStory(deliveries + repeated, of: GitLabSource(), seed: seed)
  }
}

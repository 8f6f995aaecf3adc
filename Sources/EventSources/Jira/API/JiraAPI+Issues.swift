package import APIClient
package import PayloadReading
import Synchronization
import ValueStreamCore

extension JiraAPI {
  /// Returns the key of the category of each status, by the id of the status. Asks once.
  package func statusCategories() async throws(APIError) -> [String: String] {
    if let known = knownCategories.byStatus.withLock({ $0 }) { return known }
    let found = try await ask("status") { document throws(APIError) in
      var found: [String: String] = [:]
      for status in try document.list() {
        if let id = status.identifier() { found[id] = status.object("statusCategory")?.text("key") }
      }
      return found
    }
    knownCategories.byStatus.withLock { $0 = found }
    return found
  }

  /// Returns the whole changelog of several issues, by the id of the issue. A search would cut it.
  ///
  /// - Parameter fields: only changes of these fields; nil for all.
  package func changes(of ids: [String], fields: [String]? = nil) async throws(APIError) -> [String: [PayloadObject]] {
    var changes: [String: [PayloadObject]] = [:]
    if ids.isEmpty { return changes }
    var trail = CursorTrail(of: "the changes of issues")
    var cursor: String?
    repeat {
      var request = JSONWriter()
      request.object { json in
        json.name("issueIdsOrKeys")
        json.array(ids) { $0.value($1) }
        if let fields {
          json.name("fieldIds")
          json.array(fields) { $0.value($1) }
        }
        if let cursor { json.member("nextPageToken", cursor) }
      }
      let (logs, next) = try await ask("changelog/bulkfetch", request.bytes) { document throws(APIError) in
        let answer = try document.object()
        return (answer.objects("issueChangeLogs"), answer.text("nextPageToken"))
      }
      for log in logs {
        if let id = log.identifier("issueId") { changes[id, default: []] += log.objects("changeHistories") }
      }
      cursor = next
      try trail.follow(cursor)
    } while cursor != nil
    return changes
  }
}

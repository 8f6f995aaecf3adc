package import ValueStreamCore

extension HistoryDelivery {
  /// Returns the delivery that GitHub sends when a webhook is created. It says nothing about work.
  package static func ping(at time: Timestamp) -> HistoryDelivery {
    let headers: HTTPHeaders = ["Content-Type": "application/json", "X-GitHub-Event": "ping"]
    let body = Array(#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#.utf8)
    return HistoryDelivery(path: "/github", headers: headers, body: body, time: time)
  }
}

package import APIClient
package import PayloadReading
import ValueStreamCore

/// Reads the JSON API of a Jenkins server.
package struct JenkinsServer: Sendable {
  /// The address without a trailing slash.
  package let address: String
  private let authorization: String?
  private let client: APIClient

  /// The number of folder levels that are searched for jobs.
  private static let depth = 6

  /// - Parameter authorization: the `Authorization` header; nil for a server that anybody may read.
  package init(_ address: String, authorization: String?, client: APIClient) {
    self.address = address
    self.authorization = authorization
    self.client = client
  }

  /// Returns the full names of all jobs that contain no other jobs, sorted.
  package func jobs() async throws(APIError) -> [String] {
    let tree = (0..<Self.depth).reduce("fullName") { tree, _ in "fullName,jobs[\(tree)]" }
    return try await get("", tree: tree) { Self.jobs(in: $0).sorted() }
  }

  private static func jobs(in folder: PayloadObject) -> [String] {
    // Reads the list itself, because `objects` stops at its element limit and a server may have more jobs.
    let all = (folder.value["jobs"]?.elements ?? []).compactMap { PayloadObject($0, path: folder.path) }
    return all.flatMap { job in job.has("jobs") ? jobs(in: job) : [job.text("fullName")].compactMap { $0 } }
  }

  /// Returns the path of a job with its folders, such as `shop/build`.
  package static func path(of job: String) -> String {
    job.split(separator: "/").map { "/job/\(PercentEncoding.encode(String($0)))" }.joined()
  }

  /// Requests some members of an object.
  package func get<Value>(
    _ path: String, tree: String, read: (PayloadObject) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await get("\(path)/api/json?tree=\(PercentEncoding.encode(tree))", read: read)
  }

  /// Requests an object that a plugin serves.
  ///
  /// - Parameter path: the path below the address, with its query.
  package func get<Value>(
    _ path: String, read: (PayloadObject) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { _ in
      var request = HTTPTransportRequest(method: "GET", url: "\(address)\(path)")
      request.headers["Authorization"] = authorization
      return request
    } read: { response throws(APIError) in
      try read(try APIDocument(response).object())
    }
  }
}

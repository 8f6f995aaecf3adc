import APIClient
import ValueStreamCore

/// Says what an import takes, without importing.
struct ImportPlan {
  private let importer: any Importer
  private let containers: [String]
  private let concurrency: Int
  private let progress: FetchProgress

  /// - Parameter concurrency: The number of containers to look at in parallel.
  init(_ importer: any Importer, _ containers: [String], concurrency: Int, _ progress: FetchProgress) {
    self.importer = importer
    self.containers = containers
    self.concurrency = concurrency
    self.progress = progress
  }

  /// Returns a table with the numbers of records and requests by kind, and the time that the vendor's limit allows.
  ///
  /// - Throws: `APIError` if the API cannot be asked.
  func text() async throws -> String {
    let start = ContinuousClock.now
    let estimates = try await estimates()
    let seconds = start.duration(to: .now).inSeconds
    return text(estimates, requestsPerSecond: Double(max(1, estimates.count)) / max(seconds, 0.001), try await importer.quota())
  }

  private func estimates() async throws -> [(container: String, estimate: ImportEstimate)] {
    var found: [String: ImportEstimate] = [:]
    try await withThrowingTaskGroup(of: (String, Result<ImportEstimate, APIError>).self) { group in
      func take(_ result: (String, Result<ImportEstimate, APIError>)?) throws {
        guard let (container, answer) = result else { return }
        do throws(APIError) {
          found[container] = try answer.get()
        } catch {
          guard error.concern != .everything else { throw error }
          progress.note("\(container) is left out: \(error)")
        }
      }
      for (index, container) in containers.enumerated() {
        if index >= concurrency { try take(await group.next()) }
        group.addTask { (container, await estimate(of: container)) }
      }
      while let result = try await group.next() { try take(result) }
    }
    return containers.compactMap { name in found[name].map { (name, $0) } }
  }

  private func estimate(of container: String) async -> Result<ImportEstimate, APIError> {
    // As the closure of a task, the optimizer of Swift 6.3 makes these lines return garbage.
    do throws(APIError) {
      return .success(try await importer.estimate(of: container))
    } catch {
      return .failure(error)
    }
  }

  /// Returns a table by the last word of the container's name.
  private func text(
    _ estimates: [(container: String, estimate: ImportEstimate)], requestsPerSecond: Double, _ quota: RequestQuota?
  ) -> String {
    var kinds: [String] = []
    var sums: [String: ImportEstimate] = [:]
    for (container, estimate) in estimates {
      let kind = container.split(separator: " ").last.map(String.init) ?? container
      if sums[kind] == nil { kinds.append(kind) }
      let sum = sums[kind] ?? ImportEstimate(records: 0, requests: 0)
      sums[kind] = ImportEstimate(records: sum.records + estimate.records, requests: sum.requests + estimate.requests)
    }
    var lines = [Self.row("", "RECORDS", "REQUESTS")]
    for kind in kinds {
      if let sum = sums[kind] { lines.append(Self.row(kind, "\(sum.records)", "\(sum.requests)")) }
    }
    let requests = sums.values.reduce(0) { $0 + $1.requests }
    lines.append(Self.row("all", "\(sums.values.reduce(0) { $0 + $1.records })", "\(requests)"))
    var seconds = Double(requests) / requestsPerSecond
    var limit = "no limit on requests"
    if let quota {
      seconds = quota.seconds(for: requests, requestsPerSecond: requestsPerSecond)
      limit = "\(quota.perHour) requests an hour, \(quota.remaining) left now"
    }
    lines.append("about \(FetchProgress.text(seconds: seconds)), with \(limit)")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func row(_ name: String, _ records: String, _ requests: String) -> String {
    func right(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
    return name + String(repeating: " ", count: max(1, 16 - name.count)) + right(records, 10) + right(requests, 10)
  }
}

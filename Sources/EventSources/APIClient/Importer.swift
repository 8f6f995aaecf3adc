/// Reads the history of containers from a vendor's API as deliveries.
///
/// The deliveries of a page do not depend on what was read before, so an import can go on from any page, and a page that is read twice
/// changes nothing.
package protocol Importer: PagedSource<ImportedDelivery> {
  /// Estimates the work for a container with one request or two.
  func estimate(of container: String) async throws(APIError) -> ImportEstimate

  /// Returns how many requests the vendor allows; nil if it sets no limit.
  func quota() async throws(APIError) -> RequestQuota?
}

/// What the import of a container takes.
package struct ImportEstimate: Sendable, Hashable {
  /// The number of records, such as pull requests or runs.
  package var records: Int
  package var requests: Int

  package init(records: Int, requests: Int) {
    self.records = records
    self.requests = requests
  }
}

/// How many requests a vendor allows.
package struct RequestQuota: Sendable, Hashable {
  package var perHour: Int
  /// The number of requests that are left now, and the seconds until there are ``perHour`` again.
  package var remaining: Int
  package var resetSeconds: Double

  package init(perHour: Int, remaining: Int, resetSeconds: Double) {
    self.perHour = perHour
    self.remaining = remaining
    self.resetSeconds = resetSeconds
  }

  /// Returns the seconds that requests take at least.
  ///
  /// - Parameter requestsPerSecond: the speed where the quota does not hold them up.
  package func seconds(for requests: Int, requestsPerSecond: Double) -> Double {
    let sending = Double(requests) / max(requestsPerSecond, 0.001)
    guard requests > remaining, perHour > 0 else { return sending }
    // The first hour begins at the next reset. Of the last hour only the requests count.
    let later = requests - remaining
    let waits = resetSeconds + Double((later - 1) / perHour) * 3600
    return max(sending, waits + Double((later - 1) % perHour + 1) / max(requestsPerSecond, 0.001))
  }
}

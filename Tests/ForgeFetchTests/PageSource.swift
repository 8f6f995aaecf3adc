import APIClient

/// Containers with pages of two rows, named after container and page..
struct PageSource: RecordSource {
  var pages: [String: Int]
  /// The page of a container that cannot be read, and why.
  var failures: [String: (page: Int, error: APIError)] = [:]

  let columns = ["row", "length"]

  func containers() async throws(APIError) -> RecordContainers { RecordContainers(pages.keys.sorted()) }

  func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let number = cursor.flatMap { Int($0) } ?? 0
    if let failure = failures[container], failure.page == number { throw failure.error }
    let count = pages[container] ?? 0
    let rows = number < count ? ["a", "b"].map { ["\(container)\(number)\($0)", "\(container.count)"] } : []
    return RecordPage(rows: rows, next: number + 1 < count ? "\(number + 1)" : nil, total: count * 2)
  }
}

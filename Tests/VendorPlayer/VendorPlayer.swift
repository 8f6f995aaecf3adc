import Foundation
import GitHubServer
import GitLabServer
import ValueStreamTesting

/// Plays GitHub and GitLab with the organization of a file that `vsperf generate history --out` wrote: `play-vendors FILE`.
///
/// Prints the address of each, with the vendor's name before it and the projects of GitLab after it, and answers until it is killed.
/// `make demo-import` imports from it. Any token is right, and there are no limits.
@main
enum VendorPlayer {
  static func main() throws {
    guard CommandLine.arguments.count == 2, let lines = try? String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
    else {
      print("usage: play-vendors FILE")
      exit(64)
    }
    var gitHubDeliveries: [(event: String, body: [UInt8])] = []
    var gitLabDeliveries: [[UInt8]] = []
    for line in lines.split(separator: "\n") {
      guard let delivery = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { continue }
      let body = Array(try JSONSerialization.data(withJSONObject: delivery["body"] ?? [:]))
      let headers = delivery["headers"] as? [String: String] ?? [:]
      switch delivery["path"] as? String {
      case "/github": gitHubDeliveries.append((headers["X-GitHub-Event"] ?? "", body))
      case "/gitlab": gitLabDeliveries.append(body)
      default: break
      }
    }
    var server = GitHubHistoryServer(GitHubHistory(gitHubDeliveries))
    server.prefix = "/api/v3"
    let gitHub = try VendorServer { [server] in server.answer($0) }
    let gitLabServer = GitLabHistoryServer(gitLabDeliveries)
    let gitLab = try VendorServer { gitLabServer.answer($0) }
    print("github \(gitHub.url) \(server.history.organization)")
    print("gitlab \(gitLab.url) \(gitLabServer.projects.joined(separator: " "))")
    fflush(nil)
    while true { sleep(1000) }
  }
}

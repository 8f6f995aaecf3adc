import ValueStreamTesting

/// Payloads as their senders write them, reduced to the members that the tests need.
enum Payloads {
  /// Returns a GitHub `issues` payload.
  ///
  /// - Parameter closed: The time of closing; nil gives null in JSON.
  static func issue(
    _ action: String, number: Int, repository: String = "site", owner: String = "acme", repositoryID: Int = 197_483_389,
    created: String = "2024-03-04T09:00:00Z", closed: String? = nil, comments: Int = 2
  ) -> String {
    """
    {
      "action": "\(action)",
      "issue": {
        "url": "https://api.github.com/repos/\(owner)/\(repository)/issues/\(number)",
        "html_url": "https://github.com/\(owner)/\(repository)/issues/\(number)",
        "id": \(2_010_000 + number),
        "number": \(number),
        "title": "Basket forgets its discount",
        "user": {"login": "rosa", "id": 501, "url": "https://api.github.com/users/rosa", "type": "User"},
        "labels": [{"id": 1, "name": "bug"}],
        "state": "\(closed == nil ? "open" : "closed")",
        "comments": \(comments),
        "created_at": "\(created)",
        "updated_at": "\(closed ?? created)",
        "closed_at": \(closed.map { "\"\($0)\"" } ?? "null")
      },
      "repository": \(self.repository(repository, owner: owner, id: repositoryID)),
      "sender": {"login": "rosa", "type": "User"}
    }
    """
  }

  /// Returns a GitHub `pull_request` payload.
  static func pullRequest(
    _ action: String, id: Int, number: Int, branch: String, repository: String = "site", owner: String = "acme",
    created: String = "2024-03-05T10:00:00Z", closed: String? = nil
  ) -> String {
    let repo = self.repository(repository, owner: owner, id: 197_483_389)
    return """
      {
        "action": "\(action)",
        "number": \(number),
        "pull_request": {
          "url": "https://api.github.com/repos/\(owner)/\(repository)/pulls/\(number)",
          "html_url": "https://github.com/\(owner)/\(repository)/pull/\(number)",
          "id": \(id),
          "number": \(number),
          "state": "\(closed == nil ? "open" : "closed")",
          "title": "Keep the discount",
          "user": {"login": "ines", "id": 502, "url": "https://api.github.com/users/ines", "name": "Ines"},
          "head": {"label": "\(owner):\(branch)", "ref": "\(branch)", "sha": "aaaaaaaa", "repo": \(repo)},
          "base": {"label": "\(owner):main", "ref": "main", "sha": "bbbbbbbb", "repo": \(repo)},
          "merged": \(closed != nil),
          "created_at": "\(created)",
          "updated_at": "\(closed ?? created)",
          "closed_at": \(closed.map { "\"\($0)\"" } ?? "null")
        },
        "repository": \(repo)
      }
      """
  }

  /// Returns a custom event.
  ///
  /// - Parameter more: Further members as JSON text, without a leading comma.
  static func custom(
    _ action: String, _ id: String, type: String = "deploy", namespace: String = "shop", more: String = ""
  ) -> String {
    """
    {"id": "\(id)", "action": "\(action)", "type": "\(type)", "namespace": "\(namespace)"\(more.isEmpty ? "" : ", \(more)")}
    """
  }

  private static func repository(_ name: String, owner: String, id: Int) -> String {
    """
    {
      "id": \(id), "name": "\(name)", "full_name": "\(owner)/\(name)", "private": true, "owner": {"login": "\(owner)", "id": 42},
      "html_url": "https://github.com/\(owner)/\(name)", "url": "https://api.github.com/repos/\(owner)/\(name)",
      "default_branch": "main"
    }
    """
  }
}

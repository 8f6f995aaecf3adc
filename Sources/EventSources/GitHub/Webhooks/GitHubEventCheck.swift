import PayloadReading

/// Checks the event type in the header against the body.
///
/// GitHub signs the body but not the header that names the event type. Anyone who has seen one delivery could replay
/// it under another type. Each type has members that no other type has, so the body decides.
enum GitHubEventCheck {
  /// Returns why the header contradicts the body. Nil if they agree, or if the body does not show its type.
  static func contradiction(ofType type: String, _ root: PayloadObject) -> String? {
    guard let found = self.type(of: root), found != type else { return nil }
    return "the header \(GitHubHeader.event) says \(type.prefix(40)), and the body is of \(found)"
  }

  /// Checks the most specific members first, because a payload may also hold the parent of its subject.
  static func type(of root: PayloadObject) -> String? {
    if root.has("deployment_status") { return "deployment_status" }
    if root.has("workflow_job") { return "workflow_job" }
    if root.has("deployment") { return root.has("deployment_callback_url") ? "deployment_protection_rule" : "deployment" }
    if root.has("workflow_run") { return root.has("requestor") || root.has("reviewers") ? "deployment_review" : "workflow_run" }
    if root.has("check_run") { return "check_run" }
    if root.has("check_suite") { return "check_suite" }
    return conversation(root) ?? reference(root)
  }

  private static func conversation(_ root: PayloadObject) -> String? {
    if root.has("pull_request") {
      if root.has("review") { return "pull_request_review" }
      if root.has("thread") { return "pull_request_review_thread" }
      return root.has("comment") ? "pull_request_review_comment" : "pull_request"
    }
    if root.has("blocked_issue") || root.has("blocking_issue") { return "issue_dependencies" }
    if root.has("sub_issue") || root.has("parent_issue_id") { return "sub_issues" }
    if root.has("issue") { return root.has("comment") ? "issue_comment" : "issues" }
    if root.has("discussion") { return root.has("comment") ? "discussion_comment" : "discussion" }
    return root.has("comment") ? "commit_comment" : nil
  }

  private static func reference(_ root: PayloadObject) -> String? {
    if root.has("merge_group") { return "merge_group" }
    if root.has("release") { return "release" }
    if root.has("ref_type") { return root.has("master_branch") ? "create" : "delete" }
    if root.has("ref"), root.has("after") || root.has("commits") { return "push" }
    if root.has("sha"), root.has("context") { return "status" }
    if root.has("starred_at") { return "star" }
    return root.has("zen") ? "ping" : nil
  }
}

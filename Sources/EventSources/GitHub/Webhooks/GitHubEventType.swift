import PayloadReading
import ValueStreamCore

/// Lists the types of GitHub's webhook events, whether vsd reads them or not.
///
/// Source: GitHub Docs, "Webhook events and payloads".
package enum GitHubEventType {
  package static let all: Set<String> = [
    "branch_protection_configuration", "branch_protection_rule", "check_run", "check_suite", "code_scanning_alert",
    "commit_comment", "create", "custom_property", "custom_property_values", "delete", "dependabot_alert", "deploy_key",
    "deployment", "deployment_protection_rule", "deployment_review", "deployment_status", "discussion", "discussion_comment",
    "fork", "github_app_authorization", "gollum", "installation", "installation_repositories", "installation_target",
    "issue_comment", "issue_dependencies", "issue_relates_to", "issues", "label", "marketplace_purchase", "member", "membership",
    "merge_group", "meta", "milestone", "org_block", "organization", "package", "page_build", "personal_access_token_request",
    "ping", "project", "project_card", "project_column", "projects_v2", "projects_v2_item", "projects_v2_status_update", "public",
    "pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread", "push",
    "registry_package", "release", "repository", "repository_advisory", "repository_dispatch", "repository_import",
    "repository_ruleset", "repository_vulnerability_alert", "secret_scanning_alert", "secret_scanning_alert_location",
    "secret_scanning_scan", "security_advisory", "security_and_analysis", "sponsorship", "star", "status", "sub_issues",
    "team", "team_add", "watch", "workflow_dispatch", "workflow_job", "workflow_run",
  ]
}

extension GitHubEventType {
  /// Infers the event type from the members of a body, for deliveries whose header is lost.
  ///
  /// Returns nil if the body is not a GitHub payload, or if its type cannot be told from other types.
  package static func inferred(fromBody body: [UInt8]) -> String? {
    let delivery = Delivery(
      source: "github", received: .epoch, headers: ["Content-Type": "application/json"], body: body)
    guard let document = try? PayloadBody.document(of: delivery), let root = try? PayloadObject(root: document),
      ["sender", "hook", "repository", "pull_request"].contains(where: { root.object($0) != nil }),
      !["object_kind", "webhookEvent", "issue_event_type_name"].contains(where: root.has)
    else { return nil }
    return distinctive.first { $0.members.allSatisfy(root.has) }?.type
  }

  /// Members that identify a type. The order matters: the first entry whose members are all present wins.
  ///
  /// Source: GitHub Docs, "Webhook events and payloads".
  private static let distinctive: [(members: [StaticString], type: String)] = [
    (["zen", "hook"], "ping"),
    (["pull_request", "review"], "pull_request_review"),
    (["pull_request", "comment"], "pull_request_review_comment"),
    (["pull_request", "thread"], "pull_request_review_thread"),
    (["deployment_callback_url"], "deployment_protection_rule"),
    (["workflow_job_runs"], "deployment_review"),
    (["pull_request"], "pull_request"),
    (["issue", "comment"], "issue_comment"),
    (["sub_issue"], "sub_issues"),
    (["parent_issue"], "sub_issues"),
    (["issue"], "issues"),
    (["deployment_status"], "deployment_status"),
    (["workflow_job"], "workflow_job"),
    (["deployment"], "deployment"),
    (["workflow_run"], "workflow_run"),
    (["check_run"], "check_run"),
    (["check_suite"], "check_suite"),
    (["merge_group"], "merge_group"),
    (["release"], "release"),
    (["ref", "before", "after"], "push"),
    (["ref", "ref_type", "master_branch"], "create"),
    (["ref", "ref_type"], "delete"),
    (["sha", "context", "state"], "status"),
  ]
}

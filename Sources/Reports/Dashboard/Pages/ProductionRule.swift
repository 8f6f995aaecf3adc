import DeliveryMetrics
import ValueStreamCore

/// Decides whether the span of a deploy is one to production, as reports do.
struct ProductionRule {
  /// Empty to follow the vendor's word, or else the name of the environment.
  private let patterns: [NamePattern]

  init(_ patterns: [NamePattern]) {
    self.patterns = patterns
  }

  func includes(_ deploy: Span) -> Bool {
    let environment = deploy.environment
    if !patterns.isEmpty { return environment.map(patterns.match) ?? false }
    return deploy.isStatedProduction ?? environment.map(EnvironmentRule.isProduction) ?? false
  }
}

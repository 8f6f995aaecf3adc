/// The four repositories of every team.
extension RepositoryPlan {
  static let all = [shop, payments, app, docs]

  static let shop = RepositoryPlan(
    name: "shop", description: "The web shop", language: "TypeScript", topics: ["storefront", "web"], age: 4.4,
    usedNumbers: 1480, mergeMethod: .squash, hasEnvironments: true, hasScanner: true,
    ci: WorkflowPlan(
      name: "CI", file: "ci.yml",
      jobs: [
        JobPlan(name: "lint", minutes: 1.1, steps: ["Set up Node", "Install packages", "Check format", "Check types"]),
        JobPlan(name: "unit", minutes: 3.4, steps: ["Set up Node", "Install packages", "Run unit tests", "Upload coverage"]),
        JobPlan(name: "build", minutes: 2.2, steps: ["Set up Node", "Install packages", "Build pages", "Upload build"]),
        JobPlan(
          name: "e2e", needs: ["build"], minutes: 6.5, steps: ["Download build", "Start browsers", "Run end-to-end tests"]),
      ]),
    issues: 8.5, otherChanges: 6.5, updates: 2.5,
    wording: Wording(
      parts: [
        "basket", "checkout", "search page", "product list", "voucher field", "order history", "address form", "wish list",
      ],
      symptoms: [
        "forgets its content after login", "is blank on small screens", "shows prices without tax", "answers 500 for empty input",
        "jumps while images load", "cannot be used with the keyboard", "counts items twice", "loses focus on every key",
      ],
      wishes: [
        "Show delivery dates in the", "Remember filters of the", "Add keyboard navigation to the", "Load images lazily in the",
        "Show an empty state in the", "Make room for long names in the", "Record how people use the",
      ],
      chores: [
        "Remove unused styles of the", "Split the component of the", "Rename properties of the", "Test error states of the",
      ],
      packages: ["vitest", "eslint", "playwright", "vite", "zod", "react-router"],
      files: [
        "src/basket/basket.ts", "src/checkout/steps.tsx", "src/search/results.tsx", "src/catalog/list.tsx",
        "src/forms/address.tsx",
        "src/orders/history.tsx", "test/checkout.spec.ts", "styles/layout.css", "package.json",
      ]))

  static let payments = RepositoryPlan(
    name: "payments", description: "API that takes, refunds and settles payments", language: "Go", topics: ["api", "payments"],
    age: 3.1, usedNumbers: 905, mergeMethod: .merge, hasMergeQueue: true, hasEnvironments: true, hasScanner: true,
    ci: WorkflowPlan(
      name: "CI", file: "ci.yml",
      jobs: [
        JobPlan(name: "test", minutes: 2.7, steps: ["Set up Go", "Vet", "Run tests"]),
        JobPlan(name: "integration", minutes: 5.2, steps: ["Start database", "Migrate", "Run integration tests"]),
        JobPlan(name: "contract", needs: ["test"], minutes: 1.6, steps: ["Fetch contracts", "Verify contracts"]),
      ]),
    issues: 6.5, otherChanges: 5.5, updates: 1.5,
    wording: Wording(
      parts: [
        "refund", "card authorization", "webhook sender", "ledger export", "settlement job", "currency table", "idempotency key",
      ],
      symptoms: [
        "times out under load", "rounds half a cent up", "is sent twice after a retry", "accepts an expired card",
        "leaves a lock behind", "logs nothing when the bank refuses", "blocks during migration",
      ],
      wishes: [
        "Report metrics of the", "Retry with back-off in the", "Make the batch size configurable for the", "Trace calls of the",
        "Validate input of the", "Document error codes of the",
      ],
      chores: ["Simplify error handling of the", "Move SQL out of the", "Drop the old path of the", "Test time zones of the"],
      packages: ["pgx", "chi", "testify", "otel", "x/crypto"],
      files: [
        "internal/refund/refund.go", "internal/ledger/export.go", "internal/card/authorize.go", "internal/hooks/sender.go",
        "internal/settle/job.go", "migrations/0142_settlement.sql", "api/openapi.yaml", "go.mod",
      ]))

  static let app = RepositoryPlan(
    name: "app", description: "The mobile app for Android and iOS", language: "Kotlin", topics: ["mobile"], age: 2.6,
    usedNumbers: 640, mergeMethod: .rebase, hasReleases: true, outsideCI: "tidegate/device-farm",
    ci: WorkflowPlan(
      name: "CI", file: "ci.yml",
      jobs: [
        JobPlan(name: "android", minutes: 7.5, steps: ["Set up Java", "Restore cache", "Assemble", "Run unit tests"]),
        JobPlan(name: "ios", runner: .mac, minutes: 11, steps: ["Select Xcode", "Restore cache", "Build", "Run unit tests"]),
        JobPlan(name: "lint", minutes: 1.6, steps: ["Set up Java", "Lint"]),
      ]),
    issues: 4.5, otherChanges: 5, updates: 2,
    wording: Wording(
      parts: ["start screen", "barcode scanner", "push message", "login", "offline basket", "order tracking", "dark theme"],
      symptoms: [
        "crashes on rotation", "drains the battery", "shows the old price after refresh", "ignores the text size",
        "opens twice from a link", "freezes without network",
      ],
      wishes: [
        "Support tablets in the", "Add a widget for the", "Animate the", "Let people undo in the", "Translate the",
      ],
      chores: ["Move to the new storage in the", "Remove flags of the", "Split the view model of the", "Test the states of the"],
      packages: ["kotlin", "compose", "okhttp", "ktlint", "firebase-messaging"],
      files: [
        "shared/src/basket/Basket.kt", "android/src/scan/ScannerScreen.kt", "ios/App/ScannerView.swift",
        "shared/src/api/Client.kt",
        "android/src/home/HomeScreen.kt", "ios/App/HomeView.swift", "gradle/libs.versions.toml",
      ]))

  static let docs = RepositoryPlan(
    name: "docs", description: "Documentation for merchants and developers", language: "MDX", topics: ["documentation"], age: 1.7,
    usedNumbers: 310, mergeMethod: .squash,
    ci: WorkflowPlan(
      name: "CI", file: "ci.yml",
      jobs: [
        JobPlan(name: "links", minutes: 0.9, steps: ["Set up Node", "Check links"]),
        JobPlan(name: "build", minutes: 1.3, steps: ["Set up Node", "Install packages", "Build site"]),
      ]),
    site: WorkflowPlan(
      name: "Deploy site", file: "site.yml",
      jobs: [
        JobPlan(name: "build", minutes: 1.4, steps: ["Set up Node", "Install packages", "Build site", "Upload pages"]),
        JobPlan(
          name: "publish", needs: ["build"], minutes: 0.6, steps: ["Download pages", "Upload to the bucket", "Purge the cache"]),
      ]),
    issues: 3, otherChanges: 4, updates: 1,
    wording: Wording(
      parts: ["refund guide", "webhook reference", "first steps", "error catalogue", "migration guide", "glossary"],
      symptoms: [
        "has dead links", "shows the old response", "does not say which version it is for", "has an example that fails",
      ],
      wishes: ["Add a diagram to the", "Explain time zones in the", "Add curl examples to the", "Translate the"],
      chores: ["Shorten the", "Move pictures of the", "Use one term throughout the", "Regenerate the"],
      packages: ["docusaurus", "markdownlint", "sharp"],
      files: ["docs/refunds.mdx", "docs/webhooks.mdx", "docs/start.mdx", "docs/errors.mdx", "sidebars.js", "package.json"]))
}

//! Asks Cedar once per act. An error in any policy is a refusal, because Cedar itself would pass over a broken forbid.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

use crate::domain::group::{Group, to_bits};
use crate::domain::role::Role;

/// What an actor wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Agree to an order that somebody else asked for.
    Agree,
    /// Agree to what somebody else recorded.
    Approve,
    /// Change groups of a case.
    Edit,
    /// Take entries of the log out.
    ExportLog,
    /// List the referrals to one's organisation, without names.
    Inbox,
    /// Open earlier versions of groups.
    History,
    /// Keep a case from being erased.
    Hold,
    /// Open a new case.
    Intake,
    /// List the cases one sees, without names.
    List,
    /// List orders.
    ListOrders,
    /// Ask for an act that takes two persons, or take that back.
    Order,
    /// Answer a referral, or see that it waits.
    PickUp,
    /// Read the log.
    ReadLog,
    /// Let another body see groups of a case.
    Refer,
    /// Record the answer of a receiving body.
    Report,
    /// Show names in a list.
    Reveal,
    /// Look for a person.
    SearchPeople,
    /// See an order and its reason.
    SeeOrder,
    /// Recompute the log.
    VerifyLog,
    /// Become the worker of a case.
    Take,
    /// Open groups of a case.
    View,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Hold,
        Self::Order,
        Self::Agree,
        Self::SeeOrder,
        Self::ListOrders,
        Self::View,
        Self::History,
        Self::Edit,
        Self::Reveal,
        Self::Take,
        Self::Approve,
        Self::Refer,
        Self::PickUp,
        Self::Report,
        Self::Intake,
        Self::List,
        Self::Inbox,
        Self::SearchPeople,
        Self::ReadLog,
        Self::ExportLog,
        Self::VerifyLog,
    ];

    /// Name in the schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Approve => "approve",
            Self::History => "history",
            Self::Hold => "hold",
            Self::ListOrders => "list_orders",
            Self::Order => "order",
            Self::SeeOrder => "see_order",
            Self::Edit => "edit",
            Self::ExportLog => "export_log",
            Self::Inbox => "inbox",
            Self::Intake => "intake",
            Self::List => "list",
            Self::PickUp => "pick_up",
            Self::ReadLog => "read_log",
            Self::Refer => "refer",
            Self::Report => "report",
            Self::Reveal => "reveal",
            Self::SearchPeople => "search_people",
            Self::Take => "take",
            Self::VerifyLog => "verify_log",
            Self::View => "view",
        }
    }
}

/// What it is about.
pub enum Resource<'a> {
    /// A case, and how the actor stands to it.
    Case {
        /// Names of the relations.
        relations: &'a [&'static str],
        /// Groups that referrals list.
        listed: &'a [Group],
    },
    /// No single case.
    House,
}

/// Which groups, why, and whether the actor confirmed a second time.
#[derive(Clone, Copy, Default)]
pub struct Ask<'a> {
    /// Groups that will be opened or written.
    pub groups: &'a [Group],
    /// Purpose code; empty when none was named.
    pub purpose: &'a str,
    /// Second confirmation for class S4.
    pub confirmed: bool,
}

/// "You may": made only by [`Engine::decide`], valid for one rights version.
pub struct Permit {
    action: Action,
    groups: Vec<Group>,
    policies: Vec<String>,
    rights: i64,
}

/// The answer of the policies.
pub enum Decision {
    /// Allowed.
    Allow(Permit),
    /// Refused, and by which policies; none means that nothing allowed it.
    Deny(Vec<String>),
}

impl Permit {
    /// What it allows.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The groups it allows.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The policies that allowed it, for the log.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// The rights version at which it was decided.
    #[must_use]
    pub fn rights(&self) -> i64 {
        self.rights
    }
}

/// The policies, parsed and checked.
pub struct Engine {
    by_action: HashMap<Action, (EntityUid, PolicySet)>,
    actions: Entities,
    schema: Schema,
    authorizer: Authorizer,
    account: EntityTypeName,
    role: EntityTypeName,
    case: EntityTypeName,
    house: EntityTypeName,
    memo: Mutex<HashMap<Asked, Answer>>,
}

/// Everything an answer depends on; the same question always has the same answer.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    role: Role,
    action: Action,
    relations: Option<Vec<&'static str>>,
    listed: i64,
    groups: i64,
    purpose: String,
    confirmed: bool,
}

type Answer = (Verdict, Vec<String>);

/// Answers kept; one more empties the memory.
const MOST_ANSWERS: usize = 4096;

/// The policies do not parse or do not fit the schema.
#[derive(Debug, thiserror::Error)]
#[error("the policies are not valid: {0}")]
pub struct PolicyFault(String);

fn fault(error: impl std::fmt::Display) -> PolicyFault {
    PolicyFault(error.to_string())
}

impl Engine {
    /// The policies of this program.
    pub fn load() -> Result<Self, PolicyFault> {
        Self::parse(include_str!("schema.cedarschema"), include_str!("policies.cedar"))
    }

    /// Parses and checks strictly: every policy has an `@id`, none is impossible.
    pub fn parse(schema: &str, policies: &str) -> Result<Self, PolicyFault> {
        let (schema, _) = Schema::from_cedarschema_str(schema).map_err(fault)?;
        let named = named(policies)?;
        let seen = Validator::new(schema.clone()).validate(&named, ValidationMode::Strict);
        if !seen.validation_passed_without_warnings() {
            let errors = seen.validation_errors().map(ToString::to_string);
            let warnings = seen.validation_warnings().map(ToString::to_string);
            return Err(PolicyFault(errors.chain(warnings).collect::<Vec<_>>().join("; ")));
        }
        let mut by_action = HashMap::new();
        for action in Action::ALL {
            let uid = EntityUid::from_str(&format!("Action::\"{}\"", action.name())).map_err(fault)?;
            by_action.insert(action, (uid.clone(), policies_for(&named, &schema, &uid)?));
        }
        Ok(Self {
            by_action,
            actions: schema.action_entities().map_err(fault)?,
            schema,
            authorizer: Authorizer::new(),
            account: EntityTypeName::from_str("Account").map_err(fault)?,
            role: EntityTypeName::from_str("Role").map_err(fault)?,
            case: EntityTypeName::from_str("CaseFile").map_err(fault)?,
            house: EntityTypeName::from_str("House").map_err(fault)?,
            memo: Mutex::default(),
        })
    }

    /// Decides; `rights` is the rights version that the facts were read at.
    #[must_use]
    pub fn decide(&self, role: Role, action: Action, resource: &Resource<'_>, ask: &Ask<'_>, rights: i64) -> Decision {
        match self.remembered(role, action, resource, ask) {
            Ok((Verdict::Allow, policies)) => Decision::Allow(Permit {
                action,
                groups: ask.groups.to_vec(),
                policies,
                rights,
            }),
            Ok((Verdict::Deny, policies)) => Decision::Deny(policies),
            Err(broken) => {
                tracing::error!(action = action.name(), policy = %broken, "a policy could not be evaluated");
                Decision::Deny(vec!["error".to_owned()])
            }
        }
    }

    /// Cedar is asked once per question: its answer depends on nothing but what is asked.
    fn remembered(
        &self,
        role: Role,
        action: Action,
        resource: &Resource<'_>,
        ask: &Ask<'_>,
    ) -> Result<Answer, PolicyFault> {
        let (relations, listed) = match resource {
            Resource::Case { relations, listed } => (Some(relations.to_vec()), to_bits(listed)),
            Resource::House => (None, 0),
        };
        let asked = Asked {
            role,
            action,
            relations,
            listed,
            groups: to_bits(ask.groups),
            purpose: ask.purpose.to_owned(),
            confirmed: ask.confirmed,
        };
        if let Some(answer) = self.memo.lock().unwrap_or_else(PoisonError::into_inner).get(&asked) {
            return Ok(answer.clone());
        }
        let answer = self.ask(role, action, resource, ask)?;
        let mut memo = self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        if memo.len() >= MOST_ANSWERS {
            memo.clear();
        }
        memo.insert(asked, answer.clone());
        Ok(answer)
    }

    fn ask(&self, role: Role, action: Action, resource: &Resource<'_>, ask: &Ask<'_>) -> Result<Answer, PolicyFault> {
        let principal = uid(&self.account, "actor");
        let principal = Entity::new_with_tags(principal, [], [uid(&self.role, role.code())], []).map_err(fault)?;
        let (entity, context) = match resource {
            Resource::House => {
                let house = Entity::new_with_tags(uid(&self.house, "house"), [], [], []).map_err(fault)?;
                (house, Context::empty())
            }
            Resource::Case { relations, listed } => {
                let facts = [
                    ("relations".into(), texts(relations.iter().copied())),
                    ("listed".into(), texts(listed.iter().map(|group| group.name()))),
                ];
                let case = Entity::new_with_tags(uid(&self.case, "case"), facts, [], []).map_err(fault)?;
                let context = Context::from_pairs([
                    ("groups".into(), texts(ask.groups.iter().map(|group| group.name()))),
                    (
                        "purpose".into(),
                        RestrictedExpression::new_string(ask.purpose.to_owned()),
                    ),
                    ("confirmed".into(), RestrictedExpression::new_bool(ask.confirmed)),
                ])
                .map_err(fault)?;
                (case, context)
            }
        };
        let (action, policies) = self.by_action.get(&action).ok_or_else(|| fault("no such action"))?;
        let request = Request::new(
            principal.uid(),
            action.clone(),
            entity.uid(),
            context,
            Some(&self.schema),
        )
        .map_err(fault)?;
        let entities = self
            .actions
            .clone()
            .add_entities([principal, entity], Some(&self.schema))
            .map_err(fault)?;
        let response = self.authorizer.is_authorized(&request, policies, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(fault(error));
        }
        let mut reasons: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        reasons.sort_unstable();
        Ok((response.decision(), reasons))
    }
}

fn named(policies: &str) -> Result<PolicySet, PolicyFault> {
    let parsed = PolicySet::from_str(policies).map_err(fault)?;
    if parsed.num_of_templates() != 0 {
        return Err(fault("templates are not used"));
    }
    let mut named = PolicySet::new();
    for policy in parsed.policies() {
        let id = policy
            .annotation("id")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| fault("a policy has no @id"))?;
        named.add(policy.new_id(PolicyId::new(id))).map_err(fault)?;
    }
    Ok(named)
}

/// Cedar evaluates every policy it is given, so each action gets only those that can apply to it.
fn policies_for(all: &PolicySet, schema: &Schema, action: &EntityUid) -> Result<PolicySet, PolicyFault> {
    let mut set = PolicySet::new();
    for policy in all.policies() {
        let actions: HashSet<EntityUid> = policy
            .get_valid_request_envs(schema)
            .map(|environment| environment.action().clone())
            .collect();
        if actions.contains(action) {
            set.add(policy.clone()).map_err(fault)?;
        }
    }
    Ok(set)
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.map(|value| RestrictedExpression::new_string(value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_parse_and_fit_the_schema() {
        assert!(Engine::load().is_ok());
    }

    #[test]
    fn a_policy_without_a_name_is_refused() {
        let schema = include_str!("schema.cedarschema");
        assert!(Engine::parse(schema, "permit (principal, action, resource);").is_err());
    }
}

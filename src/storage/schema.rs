//! The tables of both databases, as Diesel sees them; the key plane is a database of its own.

diesel::table! {
    deployment (id) {
        id -> SmallInt,
        deployment_id -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    log_head (id) {
        id -> SmallInt,
        shard -> BigInt,
        size -> BigInt,
        frontier -> Binary,
        last_ms -> BigInt,
        rights_version -> BigInt,
    }
}

diesel::table! {
    log_entry (shard, idx) {
        shard -> BigInt,
        idx -> BigInt,
        bytes -> Binary,
        leaf -> Binary,
        at_ms -> BigInt,
        kind -> Text,
        actor -> Text,
        org -> Nullable<Text>,
        purpose -> Nullable<Text>,
        refused -> Bool,
        request -> Binary,
    }
}

diesel::table! {
    log_subject (handle, shard, idx) {
        handle -> Binary,
        shard -> BigInt,
        idx -> BigInt,
    }
}

diesel::table! {
    log_note (hash) {
        hash -> Binary,
        id -> Binary,
        sealed -> Binary,
    }
}

diesel::table! {
    log_checkpoint (shard, size) {
        shard -> BigInt,
        size -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    organisation (id) {
        id -> Binary,
        code -> Text,
        kind -> Text,
        name -> Text,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    account (id) {
        id -> Binary,
        code -> Text,
        org_id -> Binary,
        role -> Text,
        state -> Text,
        password_hash -> Text,
        directory -> Binary,
        created_at -> BigInt,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    session (id) {
        id -> Binary,
        account_id -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    totp_use (account_id, step) {
        account_id -> Binary,
        step -> BigInt,
    }
}

diesel::table! {
    request_outcome (request, kind) {
        request -> Binary,
        account_id -> Binary,
        kind -> Text,
        subject -> Binary,
        digest -> Binary,
        at_ms -> BigInt,
    }
}

diesel::table! {
    person (id) {
        id -> Binary,
        owner_id -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    case_file (id) {
        id -> Binary,
        public_id -> Binary,
        number -> Text,
        person_id -> Binary,
        owner_id -> Binary,
        person_owner_id -> Binary,
        org_id -> Binary,
        state -> Text,
        urgent -> Bool,
        assigned -> Bool,
        opened_at -> BigInt,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    membership (id) {
        id -> Binary,
        case_id -> Binary,
        account_id -> Binary,
        kind -> Text,
        from_at -> BigInt,
        until_at -> Nullable<BigInt>,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    deadline (id) {
        id -> Binary,
        case_id -> Binary,
        code -> Text,
        started_at -> BigInt,
        due_at -> BigInt,
        met_at -> Nullable<BigInt>,
        referral_id -> Nullable<Binary>,
    }
}

diesel::table! {
    sealed_value (record_id, group_no, version) {
        record_id -> Binary,
        group_no -> SmallInt,
        version -> BigInt,
        owner_id -> Binary,
        value -> Binary,
        saved_at -> BigInt,
        saved_by -> Binary,
    }
}

diesel::table! {
    attachment (id) {
        id -> Binary,
        public_id -> Binary,
        case_id -> Binary,
        group_no -> SmallInt,
        owner_id -> Binary,
        key_version -> BigInt,
        record -> Binary,
        size -> BigInt,
        digest -> Binary,
        saved_at -> BigInt,
        saved_by -> Binary,
    }
}

diesel::table! {
    draft (id) {
        id -> Binary,
        account_id -> Binary,
        form -> Text,
        case_id -> Nullable<Binary>,
        owner_id -> Binary,
        version -> BigInt,
        saved_at -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    referral (id) {
        id -> Binary,
        public_id -> Binary,
        case_id -> Binary,
        kind -> Text,
        from_org -> Binary,
        to_org -> Binary,
        groups -> BigInt,
        purpose -> Text,
        consent_id -> Nullable<Binary>,
        basis -> Nullable<Text>,
        state -> Text,
        sent_at -> BigInt,
        due_at -> BigInt,
        decided_at -> Nullable<BigInt>,
        closed_at -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        version -> BigInt,
        mac -> Binary,
        category -> Text,
    }
}

diesel::table! {
    step (id) {
        id -> Binary,
        public_id -> Binary,
        case_id -> Binary,
        owner_id -> Binary,
        kind -> Text,
        state -> Text,
        content -> BigInt,
        due_at -> Nullable<BigInt>,
        recorded_by -> Binary,
        recorded_at -> BigInt,
        decided_by -> Nullable<Binary>,
        decided_at -> Nullable<BigInt>,
        version -> BigInt,
        mac -> Binary,
        authors -> Nullable<Binary>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    consent (id) {
        id -> Binary,
        public_id -> Binary,
        case_id -> Binary,
        purpose -> Text,
        groups -> BigInt,
        state -> Text,
        form -> Text,
        text_version -> Text,
        recorded_by -> Binary,
        recorded_at -> BigInt,
        withdrawn_at -> Nullable<BigInt>,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    joint_order (id) {
        id -> Binary,
        public_id -> Binary,
        kind -> Text,
        case_id -> Binary,
        basis -> Text,
        note -> Binary,
        state -> Text,
        requested_by -> Binary,
        requested_at -> BigInt,
        expires_at -> BigInt,
        decided_by -> Nullable<Binary>,
        decided_at -> Nullable<BigInt>,
        due_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        epoch -> Nullable<Text>,
        version -> BigInt,
        mac -> Binary,
        record_id -> Nullable<Binary>,
        group_no -> Nullable<BigInt>,
        content -> Nullable<BigInt>,
        groups -> Nullable<BigInt>,
    }
}

diesel::table! {
    legal_hold (id) {
        id -> Binary,
        case_id -> Binary,
        basis -> Text,
        placed_by -> Binary,
        placed_at -> BigInt,
        lifted_at -> Nullable<BigInt>,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    erased_owner (id) {
        id -> Binary,
        order_id -> Nullable<Binary>,
        erased_at -> BigInt,
        version -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    key_package (number) {
        number -> BigInt,
        digest -> Binary,
        made_at -> BigInt,
        destroyed_at -> Nullable<BigInt>,
        destroyed_by -> Nullable<Text>,
    }
}

diesel::table! {
    keyring (name) {
        name -> Text,
        json -> Text,
    }
}

diesel::table! {
    slot (id) {
        id -> Text,
        json -> Text,
    }
}

diesel::table! {
    key_meta (id) {
        id -> SmallInt,
        deployment_id -> Binary,
    }
}

diesel::table! {
    owner_key (id) {
        id -> Binary,
        version -> BigInt,
        wrapped -> Binary,
        wrapped_s4 -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    account,
    case_file,
    consent,
    deadline,
    draft,
    erased_owner,
    joint_order,
    legal_hold,
    membership,
    organisation,
    person,
    referral,
    sealed_value,
    session,
    step,
);
diesel::joinable!(membership -> case_file (case_id));
diesel::joinable!(referral -> case_file (case_id));
diesel::joinable!(deadline -> case_file (case_id));
diesel::joinable!(step -> case_file (case_id));
diesel::joinable!(consent -> case_file (case_id));
diesel::joinable!(joint_order -> case_file (case_id));
diesel::joinable!(case_file -> organisation (org_id));
diesel::joinable!(case_file -> person (person_id));
diesel::joinable!(account -> organisation (org_id));
diesel::allow_tables_to_appear_in_same_query!(log_entry, log_subject);
diesel::joinable!(membership -> account (account_id));

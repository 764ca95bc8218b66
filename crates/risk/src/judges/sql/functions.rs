//! Functions that a query may call. Those that compute or show are listed; those that do something are listed with
//! what they do; any other is not known.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::super::options::listed;

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// It computes, or shows something.
    Computes,
    /// It does this.
    Does(EffectKind, RiskLevel, &'static str),
    /// It runs the statement that is its text.
    RunsText,
    /// It is not known.
    Unknown,
}

/// Words before a bracket that are no functions.
const KEYWORDS: &str = "in values and or not exists any all some from join using over as on where select when then else \
    case filter within group by union intersect except limit offset distinct rollup cube sets lateral array row between \
    like ilike is interval having set key index partition order return returning similar window format top with into \
    table only inner outer left right cross natural straight_join div mod rlike regexp match against escape glob \
    materialized sample final prewhere end range rows analyze verbose explain tables collate div xor global \
    numeric decimal dec varchar char character bit time timestamp timestamptz float nvarchar nchar varbinary binary \
    varying datetime text int integer bigint smallint unsigned signed";

/// Functions of more than one dialect, and of the standard.
const COMMON: &str = "count sum avg min max abs ceil ceiling floor round trunc truncate mod power pow sqrt exp ln log log2 \
    log10 sign sin cos tan asin acos atan atan2 pi degrees radians random rand greatest least coalesce nullif ifnull iif if \
    length char_length character_length octet_length bit_length lower upper lcase ucase initcap trim ltrim rtrim btrim lpad \
    rpad left right substring substr position strpos instr locate replace reverse repeat concat concat_ws format printf \
    quote quote_literal quote_ident quote_nullable split_part translate ascii chr char unicode hex unhex md5 sha1 sha2 \
    sha224 sha256 sha384 sha512 crc32 encode to_hex cast convert extract date time timestamp datetime now current_date \
    current_time current_timestamp localtime localtimestamp date_trunc date_part date_add date_sub datediff timediff \
    timestampdiff timestampadd date_format strftime julianday unixepoch unix_timestamp from_unixtime year month day hour \
    minute second quarter week weekday dayofweek dayofmonth dayofyear last_day age make_date make_time make_timestamp \
    make_interval justify_hours to_char to_date to_number to_timestamp row_number rank dense_rank percent_rank cume_dist \
    ntile lag lead first_value last_value nth_value percentile_cont percentile_disc mode stddev stddev_pop stddev_samp \
    variance var_pop var_samp corr covar_pop covar_samp bool_and bool_or every bit_and bit_or bit_xor string_agg array_agg \
    group_concat json_agg jsonb_agg json_object_agg jsonb_object_agg xmlagg any_value grouping total typeof version \
    user current_user session_user system_user database schema current_schema current_schemas current_catalog current_role \
    connection_id last_insert_id row_count found_rows changes total_changes last_insert_rowid regexp_replace regexp_match \
    regexp_matches regexp_like regexp_substr regexp_instr regexp_count regexp_split_to_table regexp_split_to_array \
    generate_series generate_subscripts unnest json_each json_each_text jsonb_each jsonb_each_text json_array_elements \
    jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_array_length jsonb_array_length \
    json_extract json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_build_object \
    jsonb_build_object json_build_array jsonb_build_array json_object json_array json_typeof jsonb_typeof json_type \
    json_valid json_unquote json_length json_keys json_contains json_pretty jsonb_pretty to_json to_jsonb row_to_json \
    json_tree json_object_keys jsonb_object_keys json_table json_value json_query json_arrayagg json_objectagg \
    isnull is_uuid uuid gen_random_uuid inet host masklen network broadcast inet_aton inet_ntoa inet6_ntoa inet6_aton";

/// Functions of Postgres that show the server's own state, or compute.
const POSTGRES: &str = "pg_size_pretty pg_size_bytes pg_database_size pg_relation_size pg_total_relation_size pg_table_size \
    pg_indexes_size pg_tablespace_size pg_column_size pg_column_compression pg_relation_filepath pg_relation_filenode \
    pg_filenode_relation pg_tablespace_location pg_tablespace_databases pg_get_viewdef pg_get_indexdef pg_get_constraintdef \
    pg_get_functiondef pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result \
    pg_get_triggerdef pg_get_ruledef pg_get_expr pg_get_partkeydef pg_get_partition_constraintdef pg_get_serial_sequence \
    pg_get_statisticsobjdef pg_get_userbyid pg_get_keywords pg_get_object_address pg_table_is_visible \
    pg_type_is_visible pg_function_is_visible pg_is_in_recovery pg_is_wal_replay_paused pg_last_wal_receive_lsn \
    pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_last_committed_xact pg_current_wal_lsn \
    pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_wal_lsn_diff pg_walfile_name pg_walfile_name_offset \
    pg_split_walfile_name pg_current_xact_id pg_current_snapshot pg_snapshot_xmin txid_current txid_current_snapshot \
    txid_snapshot_xmin pg_xact_commit_timestamp pg_blocking_pids pg_safe_snapshot_blocking_pids pg_backend_pid \
    pg_conf_load_time pg_postmaster_start_time pg_isolation_test_session_is_blocked pg_my_temp_schema \
    pg_is_other_temp_schema pg_listening_channels pg_notification_queue_usage pg_trigger_depth pg_jit_available \
    pg_stat_get_activity pg_stat_get_backend_idset pg_stat_get_backend_pid pg_stat_get_backend_activity \
    pg_stat_get_live_tuples pg_stat_get_dead_tuples pg_stat_get_progress_info pg_stat_get_wal_senders \
    pg_stat_get_replication_slot pg_stat_get_bgwriter_timed_checkpoints pg_stat_get_db_numbackends pg_stat_statements \
    pg_stat_statements_info pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir pg_ls_archive_statusdir \
    pg_ls_replslotdir pg_current_logfile pg_lock_status pg_prepared_xact pg_prepared_statement pg_cursor pg_show_all_settings \
    pg_show_all_file_settings pg_hba_file_rules pg_ident_file_mappings pg_timezone_names pg_timezone_abbrevs pg_config \
    pg_control_system pg_control_checkpoint pg_control_recovery pg_control_init pg_available_extensions \
    pg_available_extension_versions pg_extension_update_paths pg_options_to_table pg_partition_tree pg_partition_ancestors \
    pg_partition_root pg_sequence_parameters pg_sequence_last_value pg_describe_object pg_identify_object \
    pg_identify_object_as_address pg_typeof pg_collation_for pg_encoding_to_char pg_client_encoding pg_char_to_encoding \
    pg_get_replication_slots pg_get_publication_tables pg_get_shmem_allocations pg_get_backend_memory_contexts \
    pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_logical_slot_peek_changes \
    pg_event_trigger_ddl_commands pg_backup_start_time pg_is_in_backup pg_visibility pg_visibility_map \
    pg_visibility_map_summary pgstattuple pgstatindex pgstattuple_approx pg_freespace pg_buffercache_summary \
    pg_buffercache_pages pg_has_role has_table_privilege has_schema_privilege has_database_privilege \
    has_column_privilege has_any_column_privilege has_function_privilege has_sequence_privilege has_tablespace_privilege \
    has_language_privilege has_type_privilege has_server_privilege row_security_active aclexplode acldefault makeaclitem \
    current_setting current_query inet_client_addr inet_client_port inet_server_addr inet_server_port obj_description \
    col_description shobj_description format_type to_regclass to_regproc to_regtype to_regrole to_regnamespace \
    transaction_timestamp statement_timestamp clock_timestamp timeofday isfinite justify_days justify_interval width_bucket \
    scale min_scale trim_scale factorial gcd lcm div cbrt array_length array_ndims array_lower array_upper array_to_string \
    string_to_array string_to_table array_append array_prepend array_cat array_position array_positions array_remove \
    array_replace array_dims cardinality starts_with ends_with overlay parse_ident to_ascii similarity word_similarity \
    similar_to unistr normalize get_byte get_bit decode jsonb_path_query jsonb_path_exists jsonb_path_query_array \
    jsonb_path_query_first jsonb_set jsonb_strip_nulls json_strip_nulls json_to_record jsonb_to_record json_to_recordset \
    jsonb_to_recordset json_populate_record to_tsvector to_tsquery plainto_tsquery ts_rank ts_headline numnode \
    lower_inc upper_inc isempty lower_inf upper_inf range_merge daterange tsrange tstzrange int4range int8range numrange \
    abbrev family hostmask netmask set_masklen text inet_same_family inet_merge row_to_json xmlelement xmlforest xmlconcat \
    regclass oid name convert_from convert_to set_config txid_status pg_xact_status amvalidate bt_index_check \
    bt_index_parent_check verify_heapam hypopg_list_indexes uuid_generate_v4 uuid_nil pg_lsn date_bin";

/// Functions of MySQL and MariaDB that show the server's own state, or compute.
const MYSQL: &str = "curdate curtime sysdate utc_date utc_time utc_timestamp adddate subdate addtime subtime sec_to_time \
    time_to_sec to_days from_days to_seconds str_to_date time_format dayname monthname weekofyear yearweek maketime makedate \
    microsecond period_add period_diff field find_in_set elt make_set export_set mid space strcmp soundex insert bin oct conv \
    ord char_length to_base64 from_base64 compress uncompress uncompressed_length password_strength bit_count \
    is_ipv4 is_ipv6 uuid_short uuid_to_bin bin_to_uuid charset collation coercibility format_bytes format_pico_time \
    ps_current_thread_id ps_thread_id gtid_subset gtid_subtract json_search json_overlaps json_depth json_contains_path \
    json_merge_patch json_merge_preserve json_storage_size json_quote std is_free_lock is_used_lock icu_version \
    current_role session_user roles_graphml values json_detailed json_compact json_exists mysql_version \
    statement_digest statement_digest_text weight_string st_astext name_const default inet_ntoa";

/// Functions of SQLite that show or compute.
const SQLITE: &str = "julianday timediff sqlite_version sqlite_source_id sqlite_compileoption_get sqlite_compileoption_used \
    sqlite_offset likelihood likely unlikely zeroblob randomblob soundex like glob octet_length json json_array \
    json_group_array json_group_object json_patch json_remove json_set json_insert json_replace json_quote json_error_position \
    jsonb snippet highlight bm25 matchinfo offsets rtreecheck sqlar_uncompress regexp median decimal ieee754 \
    pragma_table_info pragma_table_xinfo pragma_table_list pragma_index_list pragma_index_info pragma_index_xinfo \
    pragma_foreign_key_list pragma_database_list pragma_integrity_check pragma_quick_check pragma_page_count \
    pragma_page_size pragma_freelist_count pragma_compile_options pragma_function_list pragma_journal_mode \
    pragma_user_version dbstat generate_series sha3";

/// Functions of ClickHouse that show or compute.
const CLICKHOUSE: &str = "uniq uniqexact uniqcombined uniqhll12 quantile quantiles quantileexact quantiletiming quantiletdigest \
    median argmin argmax anylast anyheavy topk grouparray groupuniqarray countif sumif avgif minif maxif uniqif anyif \
    quantileif summap todate todatetime todatetime64 todate32 tostring toint8 toint16 toint32 toint64 touint8 touint16 \
    touint32 touint64 tofloat32 tofloat64 todecimal32 todecimal64 tofixedstring tounixtimestamp tostartofhour tostartofday \
    tostartofminute tostartoffiveminutes tostartoffiveminute tostartofmonth tostartofweek tostartofyear tostartofinterval \
    tostartoftenminutes tostartoffifteenminutes toyyyymm toyyyymmdd toyyyymmddhhmmss tomonday tohour tominute tosecond \
    todayofweek tointervalday tointervalhour tointervalminute tointervalsecond toyear tomonth today yesterday datediff \
    formatdatetime parsedatetimebesteffort formatreadablesize formatreadablequantity formatreadabletimedelta \
    formatreadabledecimalsize arrayjoin arraymap arrayfilter arraysort arrayreversesort arraysum arraycount arrayelement \
    arraystringconcat arrayuniq arrayconcat has hasany hasall indexof length empty notempty splitbychar splitbystring \
    multiif startswith endswith positioncaseinsensitive extractall replaceall replaceone replaceregexpall replaceregexpone \
    lowerutf8 upperutf8 substringutf8 jsonextractstring jsonextractint jsonextractfloat jsonextractraw jsonextract jsonhas \
    visitparamextractstring visitparamextractint uptime hostname fqdn currentdatabase currentuser tcpport timezone \
    servertimezone isnan isfinite isinfinite intdiv moddouble bar tuple tupleelement map mapkeys mapvalues dictget \
    cityhash64 siphash64 xxhash64 cutipv6 ipv4numtostring ipv4stringtonum ipv6numtostring domain protocol path \
    initializeaggregation finalizeaggregation runningdifference neighbor numbers zeros now64 tonullable assumenotnull \
    numbers_mt ifnull coalesce countdistinct totypename bitand bitor bitxor roundduration rounddown roundage merge \
    cluster clusterallreplicas view sumdistinct avgweighted";

/// What a function does; a name with another schema than the server's own is the users'.
pub(super) fn function(schema: Option<&str>, name: &str) -> Function {
    let own = matches!(
        schema,
        None | Some("pg_catalog" | "information_schema" | "sys")
    );
    if let Some(function) = acting(name) {
        return function;
    }
    let computes = [COMMON, POSTGRES, MYSQL, SQLITE, CLICKHOUSE]
        .iter()
        .any(|list| listed(list, name));
    if own && computes {
        Function::Computes
    } else {
        Function::Unknown
    }
}

/// Whether a word before a bracket is no function.
pub(super) fn is_keyword(word: &str) -> bool {
    listed(KEYWORDS, word)
}

/// Functions that do something, by name alone.
fn acting(name: &str) -> Option<Function> {
    use EffectKind as Kind;
    use RiskLevel::{High, Low, Medium};
    let (kind, level, sentence) = match name {
        "pg_terminate_backend" => (
            Kind::DatabaseAdmin,
            Medium,
            "ends a session of the database",
        ),
        "pg_cancel_backend" => (Kind::Signals, Low, "cancels a query of another session"),
        "pg_reload_conf" => (
            Kind::Reloads,
            Low,
            "has the database read its configuration again",
        ),
        "pg_rotate_logfile"
        | "pg_switch_wal"
        | "pg_switch_xlog"
        | "pg_create_restore_point"
        | "pg_log_backend_memory_contexts"
        | "pg_stat_reset"
        | "pg_stat_reset_shared"
        | "pg_stat_reset_single_table_counters"
        | "pg_stat_statements_reset"
        | "pg_stat_clear_snapshot"
        | "pg_stat_reset_slru"
        | "pg_stat_reset_replication_slot"
        | "pg_prewarm"
        | "pg_export_snapshot" => (
            Kind::Writes,
            Low,
            "rotates, resets or marks something in the database server",
        ),
        "pg_sleep" | "pg_sleep_for" | "pg_sleep_until" | "sleep" | "benchmark" | "sleepeachrow" => {
            (Kind::Unbounded, Low, "keeps the database waiting")
        }
        "pg_advisory_lock"
        | "pg_advisory_xact_lock"
        | "pg_try_advisory_lock"
        | "pg_advisory_unlock"
        | "pg_advisory_unlock_all"
        | "pg_try_advisory_xact_lock"
        | "pg_advisory_lock_shared"
        | "get_lock"
        | "release_lock"
        | "release_all_locks" => (
            Kind::DatabaseWrites,
            Low,
            "takes or gives back a lock of the database",
        ),
        "nextval" | "setval" | "pg_notify" | "pg_logical_emit_message" => (
            Kind::DatabaseWrites,
            Medium,
            "moves a sequence or sends a message in the database",
        ),
        "pg_wal_replay_pause"
        | "pg_wal_replay_resume"
        | "pg_backup_start"
        | "pg_backup_stop"
        | "pg_start_backup"
        | "pg_stop_backup"
        | "pg_create_physical_replication_slot"
        | "pg_create_logical_replication_slot"
        | "pg_copy_physical_replication_slot"
        | "pg_copy_logical_replication_slot"
        | "pg_replication_slot_advance"
        | "pg_logical_slot_get_changes"
        | "pg_logical_slot_get_binary_changes"
        | "pg_replication_origin_create"
        | "brin_summarize_new_values"
        | "brin_summarize_range"
        | "gin_clean_pending_list"
        | "pg_import_system_collations"
        | "hypopg_create_index"
        | "hypopg_reset" => (
            Kind::DatabaseAdmin,
            Medium,
            "changes how the database replicates or keeps something",
        ),
        "pg_promote"
        | "pg_drop_replication_slot"
        | "pg_replication_origin_drop"
        | "pg_truncate_visibility_map"
        | "heap_force_kill"
        | "heap_force_freeze"
        | "pg_extension_config_dump" => (
            Kind::DatabaseAdmin,
            High,
            "changes the role of the database server, or drops what it needs",
        ),
        "pg_read_file" | "pg_read_binary_file" | "load_file" | "readfile" | "pg_file_read" => (
            Kind::Secrets,
            High,
            "reads a file of the database's host with the database's rights",
        ),
        "pg_file_write" | "pg_file_unlink" | "pg_file_rename" | "pg_file_sync" | "lo_export"
        | "writefile" | "fsdir" => (
            Kind::Overwrites,
            High,
            "changes a file of the database's host with the database's rights",
        ),
        "lo_import" | "lo_create" | "lo_creat" | "lo_unlink" | "lo_put" | "lo_from_bytea"
        | "lowrite" | "lo_truncate" | "lo_open" => (
            Kind::DatabaseWrites,
            High,
            "reads files into the database, or changes large objects",
        ),
        "load_extension" | "edit" | "eval" | "fts3_tokenizer" | "sys_exec" | "sys_eval"
        | "executable" => (Kind::RunsCode, High, "runs code in the database server"),
        "url" | "urlcluster" | "remote" | "remotesecure" | "s3" | "s3cluster" | "mysql"
        | "postgresql" | "mongodb" | "hdfs" | "jdbc" | "odbc" | "redis" | "azureblobstorage"
        | "gcs" | "iceberg" | "deltalake" | "sqlite" => (
            Kind::Sends,
            High,
            "has the database talk to another machine",
        ),
        "file" | "filecluster" | "input" => (
            Kind::Secrets,
            High,
            "reads files of the database's host with the database's rights",
        ),
        _ if name.starts_with("dblink") => (
            Kind::RunsCode,
            High,
            "runs a statement by a connection to another database",
        ),
        "query_to_xml"
        | "query_to_xmlschema"
        | "query_to_xml_and_xmlschema"
        | "ts_stat"
        | "crosstab"
        | "crosstab2"
        | "crosstab3"
        | "crosstab4"
        | "connectby"
        | "ts_rewrite" => return Some(Function::RunsText),
        _ => return None,
    };
    Some(Function::Does(kind, level, sentence))
}

# Completion of ultra for PowerShell. Names come from the program itself, so they are those of here and now.

Register-ArgumentCompleter -Native -CommandName 'ultra' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words as they stand: nothing of the line is evaluated.
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
            else { $_.Extent.Text }
        })
    $index = $words.Count
    if ($wordToComplete -ne '') { $index = $words.Count - 1 }
    & (Get-Command -Name 'ultra' -CommandType Application | Select-Object -First 1) __complete $index '--' @words 2>$null |
        ForEach-Object {
            $value, $help = $_ -split "`t", 2
            if (-not $help) { $help = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
        }
}
